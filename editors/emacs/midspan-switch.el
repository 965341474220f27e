;;; midspan-switch.el --- Turn ghost text off and on  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Ghost text is off everywhere or in one language, as long as this Emacs runs.
;; The servers are told, so that their status is right.

;;; Code:

(require 'midspan-server)

(defvar midspan--off nil "Non-nil when ghost text is off everywhere.")
(defvar midspan--off-languages nil "Languages in which ghost text is off, as the protocol names them.")
(defvar-local midspan--language nil "The language of this buffer.")

(defvar midspan-switch-hook nil "Runs in each buffer with `midspan-mode' after a switch.")

(defun midspan-off-p ()
  "Return non-nil when ghost text is off in this buffer."
  (or midspan--off (and (member midspan--language midspan--off-languages) t)))

(defun midspan-note-language ()
  "Remember the language of this buffer."
  (setq midspan--language (plist-get (eglot--TextDocumentItem) :languageId)))

(defun midspan-tell-switches (server)
  "Tell SERVER where ghost text is off."
  (when midspan--off
    (midspan-run-command server "midspan.setCompletion" '(:enabled :json-false)))
  (dolist (language midspan--off-languages)
    (midspan-run-command server "midspan.setCompletion" `(:enabled :json-false :language ,language))))

(defun midspan--switched (on language)
  "Tell all servers, buffers and the user whether LANGUAGE (nil: all) is ON."
  (dolist (server (midspan-servers))
    (midspan-run-command server "midspan.setCompletion"
                     `(:enabled ,(if on t :json-false) ,@(and language `(:language ,language)))))
  (dolist (buffer (buffer-list))
    (when (buffer-local-value 'midspan--language buffer)
      (with-current-buffer buffer (run-hooks 'midspan-switch-hook))))
  (force-mode-line-update t)
  (message "Midspan is %s%s" (if on "on" "off") (if language (format " for %s" language) "")))

;;;###autoload
(defun midspan-toggle ()
  "Turn ghost text off everywhere, or on again."
  (interactive)
  (setq midspan--off (not midspan--off))
  (midspan--switched (not midspan--off) nil))

;;;###autoload
(defun midspan-toggle-language ()
  "Turn ghost text off in the language of this buffer, or on again."
  (interactive)
  (unless midspan--language
    (user-error "Midspan does not run in this buffer"))
  (let ((is-off (member midspan--language midspan--off-languages)))
    (setq midspan--off-languages (if is-off (remove midspan--language midspan--off-languages)
                                   (cons midspan--language midspan--off-languages)))
    (midspan--switched (and is-off t) midspan--language)))

(provide 'midspan-switch)
;;; midspan-switch.el ends here
