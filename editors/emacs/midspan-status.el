;;; midspan-status.el --- The status of Midspan  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The mode line, from midspan/statusChanged, and the commands that show more:
;; status, trace, stats, doctor.

;;; Code:

(require 'midspan-page)
(require 'midspan-server)
(require 'midspan-switch)

(defvar midspan--edit-where)

(defun midspan-mode-line ()
  "Return the lighter of `midspan-mode' in this buffer."
  (let* ((server (midspan-server-here))
         (status (and server (midspan-server-status server)))
         (state (plist-get (plist-get status :completion) :state)))
    (cond ((null server) " Midspan:none")
          ((midspan-off-p) " Midspan:off")
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
