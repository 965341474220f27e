;;; midspan-options.el --- Options and faces of Midspan  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The options and faces of Midspan, for `M-x customize-group RET midspan'.

;;; Code:

(require 'diff-mode)

(defgroup midspan nil
  "Completion, edits and answers by a model on your own machine."
  :group 'tools
  :prefix "midspan-")

(defcustom midspan-command '("midspan" "serve")
  "The server and its arguments."
  :type '(repeat string))

(defcustom midspan-settings nil
  "Settings of the server, which override those of midspan.toml.
A plist by section, such as
\(:completion (:model \"/models/lite\") :log_level \"debug\")."
  :type 'plist)

;; Emacs never takes these two from a folder for good: one starts a program, the other names servers.
(put 'midspan-command 'risky-local-variable t)
(put 'midspan-settings 'risky-local-variable t)

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
  "Seconds without a key before ghost text is requested."
  :type 'number)

(defcustom midspan-automatic t
  "Whether typing requests ghost text, and not only `midspan-complete'."
  :type 'boolean)

(defcustom midspan-beside-menus nil
  "Whether ghost text stays while a menu of completions is open.
The menu gets the keys in either case."
  :type 'boolean)

(defface midspan-ghost-text '((t :inherit shadow))
  "Face of ghost text.")
(define-obsolete-face-alias 'midspan-grey 'midspan-ghost-text "0.2.0")

(defface midspan-edit-add '((t :inherit diff-refine-added))
  "Face of the new words of a next edit.")

(defface midspan-edit-delete '((t :inherit diff-refine-removed :strike-through t))
  "Face of the words that a next edit removes.")

(defface midspan-edit-line '((t :inherit diff-added))
  "Face of the words that stay in a new line of a next edit.")

(defface midspan-edit-hint '((t :inherit shadow))
  "Face of what the key does, beside a next edit.")

(defface midspan-heading '((t :inherit bold))
  "Face of headings in answers.")

(defface midspan-code '((t :inherit (fixed-pitch font-lock-constant-face)))
  "Face of code in answers.")

(provide 'midspan-options)
;;; midspan-options.el ends here
