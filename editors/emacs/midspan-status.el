;;; midspan-status.el --- What Midspan does now  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A word for the mode line, from midspan/statusChanged, and the commands that
;; tell more: status, trace, stats, doctor.

;;; Code:

(require 'midspan-page)
(require 'midspan-server)
(require 'midspan-switch)

(defun midspan-mode-line ()
  "A word on what Midspan does in this buffer."
  (let* ((server (midspan-server-here))
         (status (and server (midspan-server-status server)))
         (state (plist-get (plist-get status :completion) :state)))
    (cond ((null server) " Midspan:none")
          ((midspan-off-p) " Midspan:off")
          ((and state (not (string= state "ready"))) (concat " Midspan:" state))
          ((cl-plusp (or (plist-get status :busy) 0)) " Midspan...")
          (t " Midspan"))))

(defun midspan--status-line (status name)
  "The part NAME of STATUS, such as :chat, in words."
  (let ((part (plist-get status name)))
    (format "%s%s: %s%s" (substring (symbol-name name) 1)
            (let ((model (plist-get part :model))) (if (member model '(nil "")) "" (format " by %s" model)))
            (plist-get part :state)
            (if-let* ((reason (plist-get part :reason))) (format ": %s" reason) ""))))

;;;###autoload
(defun midspan-status ()
  "Say what completes and chats here, or why nothing does."
  (interactive)
  (let ((file buffer-file-name))
    (midspan-send (midspan-server-or-lose) :midspan/status
                  (if (and file (midspan-server-here)) (eglot--TextDocumentIdentifier) (make-hash-table))
                  (lambda (failure status)
                    (if failure
                        (midspan-tell-failure failure)
                      (message "%s\n%s" (midspan--status-line status :completion)
                               (midspan--status-line status :chat)))))))

(defun midspan--program (&rest words)
  "The command line of another command, WORDS, of the program that serves."
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
  "Show the last requests: what they cost, and why nothing was shown."
  (interactive)
  (midspan--show-output "trace"))

;;;###autoload
(defun midspan-stats ()
  "Show how much was shown and accepted, by day and language."
  (interactive)
  (midspan--show-output "stats"))

;;;###autoload
(defun midspan-doctor ()
  "Show what is installed, and what is wrong."
  (interactive)
  (midspan--show-output "doctor"))

(provide 'midspan-status)
;;; midspan-status.el ends here
