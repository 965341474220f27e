;;; midspan-status.el --- The status of Midspan  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The mode line and the commands that show more: status, trace, stats, doctor.
;; midspan/statusChanged tells what is the same in all files.  Whether completion
;; is off in one file is asked when the file is opened, when that status or a
;; switch changes, and when Emacs is idle: the text or a rule may have changed.

;;; Code:

(require 'midspan-page)
(require 'midspan-server)
(require 'midspan-switch)

(defvar midspan--edit-where)
(defvar midspan-mode)

(defvar-local midspan--off-here nil "Non-nil when the server says that completion is off in this file.")

(defun midspan--ask-about (buffer)
  "Ask the server whether completion is off in the file of BUFFER."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (when-let* ((server (and midspan-mode (midspan-server-here))))
        (midspan-send server :midspan/status (eglot--TextDocumentIdentifier)
                      (lambda (_failure status)
                        (when (buffer-live-p buffer)
                          (with-current-buffer buffer
                            (setq midspan--off-here (equal (midspan--state status) "off"))
                            (force-mode-line-update)))))))))

(defun midspan--ask-soon (&optional window)
  "Ask about the file of WINDOW or this buffer, after what is running now.
Until then eglot may not have told the server of the file, or of its changes."
  (run-with-timer 0 nil #'midspan--ask-about (if window (window-buffer window) (current-buffer))))

(cl-defmethod eglot-handle-notification
  ((server midspan-server) (_method (eql midspan/statusChanged)) &rest status)
  "Keep STATUS of SERVER for the mode line, and ask about the files that are shown."
  (let ((before (midspan-server-status server)))
    (setf (midspan-server-status server) status)
    (unless (equal (plist-get before :completion) (plist-get status :completion))
      (walk-windows #'midspan--ask-soon nil t)))
  (force-mode-line-update t))

(defvar midspan--idle-timer nil "The timer that asks about the files that are shown when Emacs is idle, or nil.")

(defun midspan--ask-when-idle ()
  "Ask about each file that is shown."
  (let (buffers)
    (walk-windows (lambda (window) (cl-pushnew (window-buffer window) buffers)) nil 'visible)
    (mapc #'midspan--ask-about buffers)))

(defun midspan-status-start ()
  "Keep the mode line of this buffer true."
  (unless midspan--idle-timer
    (setq midspan--idle-timer (run-with-idle-timer 2 t #'midspan--ask-when-idle)))
  (add-hook 'midspan-switch-hook #'midspan--ask-soon nil t)
  (midspan--ask-soon))

(defun midspan-status-stop ()
  "Stop asking about the file of this buffer."
  (remove-hook 'midspan-switch-hook #'midspan--ask-soon t)
  (kill-local-variable 'midspan--off-here))

(defun midspan--state (status)
  "Return the state of completion in STATUS, or nil."
  (plist-get (plist-get status :completion) :state))

(defun midspan-mode-line ()
  "Return the lighter of `midspan-mode' in this buffer."
  (let* ((server (midspan-server-here))
         (status (and server (midspan-server-status server)))
         (state (midspan--state status)))
    (cond ((null server) " Midspan:none")
          ((midspan-off-p) " Midspan:off")
          ((and midspan--off-here (not (equal state "off"))) " Midspan:off here")
          ((and state (not (string= state "ready"))) (concat " Midspan:" state))
          ((not (string-empty-p midspan--edit-where)) (concat " Midspan " midspan--edit-where))
          ((cl-plusp (or (plist-get status :busy) 0)) " Midspan...")
          (t " Midspan"))))

(defun midspan--status-line (status name)
  "Return the part NAME of STATUS, such as :chat, as a line of text."
  (let ((part (plist-get status name)))
    (format "%s%s: %s%s" (substring (symbol-name name) 1)
            (let ((model (plist-get part :model))) (if (member model '(nil "")) "" (format " by %s" model)))
            (plist-get part :state)
            (if-let* ((reason (plist-get part :reason))) (format ": %s" reason) ""))))

;;;###autoload
(defun midspan-status ()
  "Show which models complete and chat here, or why none does."
  (interactive)
  (let ((file buffer-file-name))
    (midspan-send (midspan-server-or-lose) :midspan/status
                  (if (and file (midspan-server-here)) (eglot--TextDocumentIdentifier) (make-hash-table))
                  (lambda (failure status)
                    (if failure
                        (midspan-show-failure failure)
                      (message "%s\n%s" (midspan--status-line status :completion)
                               (midspan--status-line status :chat)))))))

(defun midspan--program (&rest words)
  "Return the command line of the program of the server with WORDS."
  (append (seq-take-while (lambda (word) (not (string= word "serve"))) midspan-command) words))

(defun midspan--show-output (&rest words)
  "Run the program with WORDS and show its output on a page."
  (let ((output (generate-new-buffer " *midspan output*")) (name (string-join (cons "midspan" words) " ")))
    (make-process
     :name name :buffer output :command (apply #'midspan--program words) :noquery t
     :sentinel (lambda (process _change)
                 (unless (process-live-p process)
                   (let ((page (midspan-page (format "*%s*" name))))
                     (midspan-page-append page (with-current-buffer output (buffer-string)))
                     (kill-buffer output)
                     (with-current-buffer page (goto-char (point-min)))))))))

;;;###autoload
(defun midspan-trace ()
  "Show the last requests: their costs, and why no ghost text was shown."
  (interactive)
  (midspan--show-output "trace"))

;;;###autoload
(defun midspan-stats ()
  "Show how much ghost text was shown and accepted, by day and language."
  (interactive)
  (midspan--show-output "stats"))

;;;###autoload
(defun midspan-doctor ()
  "Show what is installed, and its problems."
  (interactive)
  (midspan--show-output "doctor"))

(provide 'midspan-status)
;;; midspan-status.el ends here
