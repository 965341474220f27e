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
      (midspan--stop-answer)            ; an older one, which would go on here
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

(defvar-local midspan-page--progress nil "An overlay with the progress of this page's answer, or nil.")

(defun midspan-page-show-progress (page words)
  "Show WORDS, the progress of an answer, at the end of PAGE.
The empty string takes them away."
  (when (buffer-live-p page)
    (with-current-buffer page
      (when midspan-page--progress
        (delete-overlay midspan-page--progress))
      (setq midspan-page--progress
            (unless (string-empty-p words)
              (let ((overlay (make-overlay (point-max) (point-max))))
                (overlay-put overlay 'after-string (propertize words 'face 'shadow))
                overlay))))))

(defun midspan-page-list-parts (page used)
  "List the parts USED on PAGE, each as a button that opens the file there."
  (when (and (buffer-live-p page) (cl-plusp (length used)))
    (midspan-page-append page (format "\n\nRead %d %s of your code:\n\n" (length used)
                                      (if (= (length used) 1) "place" "places")))
    (seq-do (lambda (part)
              (let* ((first (1+ (plist-get part :firstLine))) (last (1+ (plist-get part :lastLine)))
                     (lines (if (= first last) (format "%d" first) (format "%d-%d" first last))))
                (midspan-page-append page "- ")
                (midspan-page-append
                 page (with-temp-buffer
                        (insert-text-button
                         (format "%s:%s" (plist-get part :path) lines)
                         'follow-link t 'help-echo "RET opens this place"
                         'action (lambda (_button) (midspan-page-open (plist-get part :uri) first)))
                        (buffer-string)))
                (midspan-page-append page (format "  %s\n" (plist-get part :why)))))
            used)))

(defun midspan-page-open (uri line)
  "Open the file of URI at LINE in another window."
  (find-file-other-window (midspan--path uri))
  (goto-char (point-min))
  (forward-line (1- line)))

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
