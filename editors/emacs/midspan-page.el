;;; midspan-page.el --- Pages for Midspan's answers  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Buffers without a file, into which an answer is written as it arrives.

;;; Code:

(require 'midspan-server)

(defvar-local midspan--stop nil "A function that stops the answer of this page, or nil.")

(defvar midspan-page-keywords
  '(("^#+ .*$" . 'midspan-heading)
    ("^```\\(?:.*\n\\)*?```" 0 'midspan-code t)
    ("`[^`\n]+`" . 'midspan-code)
    ("\\*\\*[^*\n]+\\*\\*" . 'bold))
  "Font-lock keywords for the Markdown of an answer.")

(defun midspan-page-fontify ()
  "Highlight Markdown's headings and code in this buffer."
  (setq-local font-lock-defaults '(midspan-page-keywords t) font-lock-multiline t)
  (visual-line-mode))

(define-derived-mode midspan-page-mode special-mode "Midspan"
  "A page of Midspan: an answer, or the output of a command."
  :interactive nil
  (midspan-page-fontify)
  (add-hook 'kill-buffer-hook #'midspan--stop-answer nil t))

(defun midspan--stop-answer ()
  "Stop the answer of this page."
  (when midspan--stop (funcall midspan--stop)))

(keymap-set midspan-page-mode-map "C-c C-k" #'midspan-stop)

(defun midspan-page (name)
  "Show an empty page called NAME, and return its buffer."
  (let ((page (get-buffer-create name)))
    (with-current-buffer page
      (midspan-page-mode)
      (let ((inhibit-read-only t)) (erase-buffer)))
    (pop-to-buffer page)
    page))

(defun midspan-page-append (page text)
  "Append TEXT to PAGE; windows that show its end scroll along."
  (when (buffer-live-p page)
    (with-current-buffer page
      (let* ((end (point-max))
             (is-at-end (= (point) end))
             (following (seq-filter (lambda (window) (= (window-point window) end))
                                    (get-buffer-window-list page nil t)))
             (inhibit-read-only t))
        (save-excursion
          (goto-char end)
          (insert text))
        (when is-at-end (goto-char (point-max)))
        (dolist (window following)
          (set-window-point window (point-max)))))))

(defvar midspan--running nil "A list of entries whose car stops a request that has no page.")

(defun midspan-in-background (what start)
  "Announce that Midspan does WHAT, and let `midspan-stop' stop the request.
START sends the request: START is called with a function to call at the
end of the request, and returns a function that stops the request."
  (let* ((entry (list nil)) (end (lambda () (setq midspan--running (delq entry midspan--running)))))
    (push entry midspan--running)
    (setcar entry (funcall start end))
    (message "Midspan %s; stop it with M-x midspan-stop" what)))

(defun midspan-stop ()
  "Stop the answer of this page or, in other buffers, all actions that run."
  (interactive)
  (cond (midspan--stop (funcall midspan--stop))
        (midspan--running (dolist (entry midspan--running)
                            (when (car entry) (funcall (car entry)))))
        (t (message "Midspan has nothing to stop here"))))

(defun midspan-note-end (page failure)
  "Note on PAGE that its answer has ended, and the reason if with FAILURE."
  (when (buffer-live-p page)
    (with-current-buffer page
      (setq midspan--stop nil))
    (when failure
      (midspan-page-append page (format "\n\n> %s\n" (plist-get failure :message))))))

(provide 'midspan-page)
;;; midspan-page.el ends here
