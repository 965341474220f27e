;;; midspan-options.el --- What Midspan's user may change  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The options and faces of Midspan, for `M-x customize-group RET midspan'.

;;; Code:

(defgroup midspan nil
  "Completion, edits and answers by a model on your own machine."
  :group 'tools
  :prefix "midspan-")

(defcustom midspan-command '("midspan" "serve")
  "The server and its arguments."
  :type '(repeat string))

(defcustom midspan-settings nil
  "Settings of the server, which go over those of midspan.toml.
A plist by section, such as
\(:completion (:model \"/models/lite\") :log_level \"debug\")."
  :type 'plist)

(defcustom midspan-modes
  '(c-mode c-ts-mode (c++-mode :language-id "cpp") (c++-ts-mode :language-id "cpp") go-mode go-ts-mode java-mode
    java-ts-mode (js-mode :language-id "javascript") (js-ts-mode :language-id "javascript") lua-mode lua-ts-mode
    python-mode python-ts-mode rust-mode rust-ts-mode (sh-mode :language-id "shellscript")
    (bash-ts-mode :language-id "shellscript") (tsx-ts-mode :language-id "typescriptreact") typescript-ts-mode)
  "Major modes that `midspan-setup' gives to Midspan, as eglot writes them.
Eglot connects a buffer to one server: leave out the modes for which you
use another."
  :type '(repeat (choice symbol (list symbol (const :language-id) string))))

(defcustom midspan-delay 0.1
  "Seconds without a key until ghost text is asked for."
  :type 'number)

(defcustom midspan-automatic t
  "Whether ghost text comes by itself; otherwise only `midspan-complete' asks."
  :type 'boolean)

(defcustom midspan-beside-menus nil
  "Whether ghost text stays while a menu of completions is open.
The keys are the menu's in either case."
  :type 'boolean)

(defface midspan-grey '((t :inherit shadow))
  "What the ghost text looks like.")

(defface midspan-heading '((t :inherit bold))
  "What headings look like in answers.")

(defface midspan-code '((t :inherit (fixed-pitch font-lock-constant-face)))
  "What code looks like in answers.")

(provide 'midspan-options)
;;; midspan-options.el ends here
