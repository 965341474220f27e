;;; midspan-page.el --- Pages for Midspan's words  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Buffers that belong to no file, onto which an answer is written while it
;; comes.

;;; Code:

(require 'midspan-server)

(defvar-local midspan--stop nil "Ends the answer that is being written here, or nil.")

(defvar midspan-page-keywords
  '(("^#+ .*$" . 'midspan-heading)
    ("^```\\(?:.*\n\\)*?```" 0 'midspan-code t)
    ("`[^`\n]+`" . 'midspan-code)
    ("\\*\\*[^*\n]+\\*\\*" . 'bold))
  "What stands out in an answer, which is Markdown.")

(defun midspan-page-fontify ()
  "Have this buffer show Markdown's headings and code."
  (setq-local font-lock-defaults '(midspan-page-keywords t) font-lock-multiline t)
  (visual-line-mode))

(define-derived-mode midspan-page-mode special-mode "Midspan"
  "Words of Midspan's."
  :interactive nil
  (midspan-page-fontify)
  (add-hook 'kill-buffer-hook #'midspan--stop-answer nil t))

(defun midspan--stop-answer ()
  "End the answer that is being written here."
  (when midspan--stop (funcall midspan--stop)))

(keymap-set midspan-page-mode-map "C-c C-k" #'midspan-stop)

(defun midspan-page (name)
  "An empty page of this NAME, shown."
  (let ((page (get-buffer-create name)))
    (with-current-buffer page
      (midspan-page-mode)
      (let ((inhibit-read-only t)) (erase-buffer)))
    (pop-to-buffer page)
    page))

(defun midspan-page-append (page text)
  "Add TEXT at the end of PAGE, which windows follow that show the end."
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

(defvar midspan--running nil "What ends the work that goes on without a page.")

(defun midspan-in-background (what start)
  "Say that Midspan does WHAT until what START begins has ended.
START is called with a function that is to be called at the end, and
gives what ends the work before, as `midspan-send' does."
  (let* ((entry (list nil)) (end (lambda () (setq midspan--running (delq entry midspan--running)))))
    (push entry midspan--running)
    (setcar entry (funcall start end))
    (message "Midspan %s; M-x midspan-stop ends it" what)))

(defun midspan-stop ()
  "End the answer of this page or, in other buffers, all work on actions."
  (interactive)
  (cond (midspan--stop (funcall midspan--stop))
        (midspan--running (dolist (entry midspan--running)
                            (when (car entry) (funcall (car entry)))))
        (t (message "Midspan is at no work here"))))

(defun midspan-note-end (page failure)
  "Say on PAGE that its answer has ended, if with FAILURE why."
  (when (buffer-live-p page)
    (with-current-buffer page
      (setq midspan--stop nil))
    (when failure
      (midspan-page-append page (format "\n\n> %s\n" (plist-get failure :message))))))

(provide 'midspan-page)
;;; midspan-page.el ends here
