;;; midspan.el --- Code completion and chat by a model on your machine  -*- lexical-binding: t -*-

;; Author: The Midspan developers
;; Maintainer: The Midspan developers
;; URL: https://github.com/OWNER/midspan
;; Version: 0.1.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: languages, convenience
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Midspan completes code with a model on your own machine.  Eglot talks to its
;; server; Midspan adds ghost text at point, which TAB accepts, edits that are
;; shown as a diff first, and a chat.  README.md describes the set-up.

;;; Code:

(require 'easymenu)
(require 'midspan-actions)
(require 'midspan-chat)
(require 'midspan-ghost)
(require 'midspan-next-edit)
(require 'midspan-model)
(require 'midspan-options)
(require 'midspan-server)
(require 'midspan-status)
(require 'midspan-switch)

(defvar-keymap midspan-command-map
  :doc "Midspan's commands; bind the map to a key of your choice."
  :prefix 'midspan-command-map
  "m" #'midspan-complete
  "j" #'midspan-ask-edit
  "c" #'midspan-chat
  "e" #'midspan-edit
  "f" #'midspan-fix
  "x" #'midspan-explain
  "r" #'midspan-review
  "t" #'midspan-tests
  "b" #'midspan-body
  "k" #'midspan-block
  "d" #'midspan-docstring
  "n" #'midspan-branch
  "i" #'midspan-import
  "o" #'midspan-toggle
  "l" #'midspan-toggle-language
  "M" #'midspan-model
  "C" #'midspan-chat-model
  "s" #'midspan-status
  "T" #'midspan-trace
  "g" #'midspan-stop)

(defvar midspan-mode-map (make-sparse-keymap) "Keys of buffers that Midspan serves.")

(easy-menu-define midspan-menu midspan-mode-map "Menu of Midspan."
  '("Midspan"
    ["Complete here" midspan-complete]
    ["Next edits" midspan-ask-edit]
    ["Ghost text" midspan-toggle :style toggle :selected (not midspan--off)]
    ["Ghost text in this language" midspan-toggle-language :style toggle
     :selected (not (member midspan--language midspan--off-languages))]
    "---"
    ["Edit by instruction..." midspan-edit]
    ["Fix the problems here" midspan-fix]
    ["Write tests" midspan-tests]
    ["Explain" midspan-explain]
    ["Review" midspan-review]
    ["Chat" midspan-chat]
    "---"
    ["Fill this body" midspan-body]
    ["Complete this block" midspan-block]
    ["Write the docstring" midspan-docstring]
    ["Write the missing branch" midspan-branch]
    ["Import the name" midspan-import]
    "---"
    ["Model for completion..." midspan-model]
    ["Model for chat..." midspan-chat-model]
    ["Status" midspan-status]
    ["Trace" midspan-trace]
    ["Doctor" midspan-doctor]))

;;;###autoload
(define-minor-mode midspan-mode
  "Ghost text at point from the buffer's eglot server."
  :lighter (:eval (midspan-mode-line))
  (if midspan-mode
      (progn
        (midspan-note-language)
        (midspan-ghost-start)
        (midspan-next-edit-start)
        (midspan-status-start))
    (midspan-status-stop)
    (midspan-next-edit-stop)
    (midspan-ghost-stop)
    (kill-local-variable 'midspan--language)))

(defun midspan--give-back ()
  "Give back the features that eglot takes over and Midspan does not have.
These are finding definitions, and Flymake's other checkers."
  (remove-hook 'xref-backend-functions #'eglot-xref-backend t)
  (dolist (checker (alist-get 'flymake-diagnostic-functions eglot--saved-bindings))
    (unless (eq checker t)
      (add-hook 'flymake-diagnostic-functions checker t t))))

(defun midspan--follow-eglot ()
  "Turn `midspan-mode' on or off with the buffer's Midspan server."
  (if (midspan-server-here)
      (progn
        (midspan--give-back)
        (midspan-mode 1))
    (when midspan-mode (midspan-mode -1))))

(defun midspan--connected (server)
  "Tell SERVER, if it is Midspan, where ghost text is off."
  (when (cl-typep server 'midspan-server)
    (midspan-tell-switches server)))

(add-hook 'eglot-managed-mode-hook #'midspan--follow-eglot)
(add-hook 'eglot-connect-hook #'midspan--connected)

;;;###autoload
(defun midspan-setup ()
  "Make eglot start Midspan in the modes of `midspan-modes'."
  (add-to-list 'eglot-server-programs (cons midspan-modes #'midspan-contact))
  (dolist (mode midspan-modes)
    (add-hook (intern (format "%s-hook" (if (consp mode) (car mode) mode))) #'eglot-ensure)))

(provide 'midspan)
;;; midspan.el ends here
