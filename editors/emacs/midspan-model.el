;;; midspan-model.el --- Select Midspan's models  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `midspan-model' selects the model that completes, `midspan-chat-model' the
;; one that chats and edits, from those that `midspan model list' knows.

;;; Code:

(require 'midspan-server)
(require 'midspan-status)
(require 'subr-x)

(defconst midspan-model--without '((:completion . "built-in") (:chat . "none"))
  "By use: the name for no model of the list.")

(defun midspan-model--use (section name)
  "Have all servers use the model NAME for SECTION, until Emacs ends."
  (let ((is-none (equal name (alist-get section midspan-model--without))))
    (set-default 'midspan-settings
                 (midspan--with (default-value 'midspan-settings) (list section :model) (unless is-none name)))
    (dolist (server (midspan-servers))
      (jsonrpc-notify server :midspan/userSettings (default-value 'midspan-settings)))
    (message "Midspan now %s with %s" (if (eq section :chat) "chats and edits" "completes")
             (if is-none (if (eq section :chat) "no model" "the built-in model") name))))

(defun midspan-model--pull (section name)
  "Download the model NAME, then use it for SECTION."
  (message "Midspan downloads %s; the buffer *midspan model pull* shows how far it is" name)
  (make-process
   :name "midspan model pull" :buffer "*midspan model pull*" :noquery t
   :command (midspan--program "model" "pull" name)
   :sentinel (lambda (process _change)
               (unless (process-live-p process)
                 (if (zerop (process-exit-status process))
                     (midspan-model--use section name)
                   (message "Midspan could not download %s; the buffer *midspan model pull* says why" name))))))

(defun midspan-model--about (model section)
  "Return in words what speaks for MODEL in the use SECTION, and against it."
  (let ((speed (plist-get model :tokens_per_s)) (use (substring (symbol-name section) 1)))
    (string-join
     (delq nil (list (format "%.1f GB" (/ (plist-get model :size_bytes) 1e9))
                     (and speed (format "about %.0f tokens/s" speed))
                     (cond ((member use (plist-get model :recommended))
                            "recommended: the largest that is fast enough here")
                           ((null (plist-get model :form)) "needs more memory than this machine has")
                           ((member use (plist-get model :fast_enough)) "fast enough here")
                           (speed "slow here"))
                     (unless (plist-get model :is-here) "not downloaded yet")))
     ", ")))

(defun midspan-model--offered (listing section)
  "Return an alist of the names in LISTING for the use SECTION, and the models."
  (let ((use (substring (symbol-name section) 1)) found)
    (pcase-dolist (`(,key . ,is-here) '((:here . t) (:catalogue)))
      (dolist (model (plist-get listing key))
        (when (and (not (plist-get model :problem)) (member use (plist-get model :use)))
          (push (cons (plist-get model :name) (append model (list :is-here is-here))) found))))
    (nreverse found)))

(defun midspan-model-read (listing section now)
  "Read a model of LISTING for SECTION, and use or download it.
NOW is the name of the model that is in use: \"\" for none of the list."
  (let* ((offered (midspan-model--offered listing section))
         (none (alist-get section midspan-model--without))
         (names (cons none (mapcar #'car offered)))
         (annotate (lambda (name)
                     (concat "  "
                             (if-let* ((model (cdr (assoc name offered)))) (midspan-model--about model section)
                               (if (eq section :chat) "no chat" "small, completes Python, needs no download"))
                             (if (or (equal name now) (and (equal now "") (equal name none))) ", in use" ""))))
         (table (lambda (text predicate action)
                  (if (eq action 'metadata)
                      `(metadata (annotation-function . ,annotate) (display-sort-function . identity))
                    (complete-with-action action names text predicate))))
         (name (completing-read (format "The model for %s: " (substring (symbol-name section) 1)) table nil t)))
    (unless (string-empty-p name)
      (let ((model (cdr (assoc name offered))))
        (if (or (null model) (plist-get model :is-here))
            (midspan-model--use section name)
          (midspan-model--pull section name))))))

(defun midspan-model--choose (section)
  "List the models for SECTION, and let the user select one."
  (let ((output (generate-new-buffer " *midspan models*"))
        (status (when-let* ((server (car (midspan-servers)))) (midspan-server-status server))))
    (message "Midspan lists the models ...")
    (make-process
     :name "midspan model list" :buffer output :noquery t :stderr (get-buffer-create " *midspan models errors*")
     :command (midspan--program "model" "list" "--json")
     :sentinel
     (lambda (process _change)
       (unless (process-live-p process)
         (let ((text (with-current-buffer output (buffer-string))) (code (process-exit-status process)))
           (kill-buffer output)
           (if (zerop code)
               ;; The sentinel may not wait for the user.
               (run-with-timer 0 nil #'midspan-model-read
                               (json-parse-string text :object-type 'plist :array-type 'list
                                                  :null-object nil :false-object nil)
                               section (plist-get (plist-get status section) :model))
             (message "Midspan: `midspan model list' failed with %s" code))))))))

;;;###autoload
(defun midspan-model ()
  "Select the model that completes, until Emacs ends; download it if need be."
  (interactive)
  (midspan-model--choose :completion))

;;;###autoload
(defun midspan-chat-model ()
  "Select the model that chats and edits, until Emacs ends; download it if need be."
  (interactive)
  (midspan-model--choose :chat))

(provide 'midspan-model)
;;; midspan-model.el ends here
