;;; midspan-actions.el --- Edits and answers about code  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Midspan's code actions, in eglot's menu and as commands, and the requests
;; that show their draft while it is written.  No request blocks Emacs.

;;; Code:

(require 'flymake)
(require 'midspan-page)
(require 'midspan-preview)
(require 'midspan-server)

(defun midspan--apply-in (buffer edit)
  "Apply EDIT, a WorkspaceEdit that was requested in BUFFER, as eglot would."
  (with-current-buffer (if (buffer-live-p buffer) buffer (current-buffer))
    (condition-case failure
        ;; Emacs 29 asks when the second argument is not nil, 30 as `eglot-confirm-server-edits' says.
        (progn
          (undo-boundary)
          (eglot--apply-workspace-edit edit (and (boundp 'eglot-confirm-server-edits) 'midspan))
          (undo-boundary))
      (error (message "Midspan: the edit was not applied: %s" (error-message-string failure))))))

(cl-defmethod eglot-execute ((server midspan-server) action)
  "Run ACTION without waiting for SERVER, since a model may take a while."
  (cond ((plist-get action :disabled)
         (user-error "%s" (plist-get (plist-get action :disabled) :reason)))
        ((and (plist-get action :data) (not (plist-get action :edit)) (not (plist-get action :command)))
         (midspan--resolve server action))
        (t (cl-call-next-method))))

(defun midspan--resolve (server action)
  "Have SERVER resolve ACTION, and apply the result."
  (let ((buffer (current-buffer)))
    (eglot--signal-textDocument/didChange)
    (midspan-in-background
     (format "works on “%s”" (plist-get action :title))
     (lambda (end)
       (midspan-send server :codeAction/resolve action
                     (lambda (failure resolved)
                       (funcall end)
                       (if failure
                           (midspan-show-failure failure)
                         (when-let* ((edit (plist-get resolved :edit)))
                           (midspan--apply-in buffer edit))
                         (when-let* ((command (plist-get resolved :command)))
                           (midspan-send server :workspace/executeCommand
                                         (list :command (plist-get command :command)
                                               :arguments (plist-get command :arguments))
                                         #'ignore)))))))))

(defmacro midspan--define-action (name kind what)
  "Define the command NAME for the code action of this KIND.
WHAT is its docstring."
  `(defun ,name ()
     ,(format "%s.\nThis is eglot's code action of the kind `%s'." what kind)
     (interactive)
     (midspan-server-or-lose)
     (eglot--signal-textDocument/didChange)
     (if (use-region-p)
         (eglot-code-actions (region-beginning) (region-end) ,kind t)
       (eglot-code-actions (point) (point) ,kind t))))

;;;###autoload (autoload 'midspan-body "midspan-actions" nil t)
(midspan--define-action midspan-body "refactor.rewrite.midspan.body"
                        "Fill the empty body of the function at point")
;;;###autoload (autoload 'midspan-block "midspan-actions" nil t)
(midspan--define-action midspan-block "refactor.rewrite.midspan.block"
                        "Complete the block at point")
;;;###autoload (autoload 'midspan-docstring "midspan-actions" nil t)
(midspan--define-action midspan-docstring "refactor.rewrite.midspan.docstring"
                        "Write the docstring of the definition around point")
;;;###autoload (autoload 'midspan-branch "midspan-actions" nil t)
(midspan--define-action midspan-branch "refactor.rewrite.midspan.branch"
                        "Write the missing branch at point")
;;;###autoload (autoload 'midspan-import "midspan-actions" nil t)
(midspan--define-action midspan-import "quickfix.midspan.import"
                        "Import the name at point")

(defun midspan--lines ()
  "Return the lines of the region, or point as an empty range, as a cons."
  (if (use-region-p)
      (cons (save-excursion (goto-char (region-beginning)) (pos-bol))
            (save-excursion (goto-char (region-end))
                            (if (and (bolp) (> (point) (region-beginning))) (1- (point)) (pos-eol))))
    (cons (point) (point))))

(defun midspan--target-params (place)
  "Return the parameters of a request about PLACE, a cons, in this buffer."
  (eglot--signal-textDocument/didChange)
  (list :textDocument (eglot--VersionedTextDocumentIdentifier)
        :version eglot--versioned-identifier
        :range (midspan-range (car place) (cdr place))))

(defun midspan--propose (what method params)
  "Request METHOD with PARAMS, show the draft, and then the edit as a diff.
WHAT says what Midspan does meanwhile."
  (let ((source (current-buffer)) (page (midspan-page "*midspan draft*")) stop)
    (setq stop (midspan-stream
                (with-current-buffer source (midspan-server-or-lose)) method params
                (lambda (piece) (midspan-page-append page piece))
                (lambda (failure answer)
                  (midspan-note-end page failure)
                  (if failure
                      (midspan-show-failure failure)
                    (when (buffer-live-p page)
                      (if-let* ((window (get-buffer-window page)))
                          (with-selected-window window (quit-window t))
                        (kill-buffer page)))
                    (when (buffer-live-p source)
                      (midspan-preview (plist-get answer :edit) source))))))
    (with-current-buffer page
      (setq midspan--stop stop
            header-line-format (format "Midspan %s; stop it with C-c C-k" what)))))

;;;###autoload
(defun midspan-edit (instruction)
  "Change the region, or the code around point, by INSTRUCTION.
On a blank line, write new code.  The change is shown as a diff first."
  (interactive (progn (midspan-server-or-lose) (list (read-string "Midspan edit: "))))
  (midspan--propose "edits" :midspan/edit
                    (append (midspan--target-params (midspan--lines)) (list :instruction instruction))))

(defun midspan--diagnostics (place)
  "Return Flymake's diagnostics in the lines of PLACE, a cons, for the server."
  (let* ((beg (save-excursion (goto-char (car place)) (pos-bol)))
         (end (save-excursion (goto-char (cdr place)) (min (1+ (pos-eol)) (point-max)))))
    (vconcat (mapcar (lambda (diagnostic)
                       (list :range (midspan-range (flymake-diagnostic-beg diagnostic)
                                                   (flymake-diagnostic-end diagnostic))
                             :message (flymake-diagnostic-text diagnostic)))
                     (flymake-diagnostics beg end)))))

;;;###autoload
(defun midspan-fix ()
  "Fix the problems that Flymake reports in the region or the line of point.
The fix is shown as a diff first."
  (interactive)
  (midspan-server-or-lose)
  (let* ((place (midspan--lines)) (diagnostics (midspan--diagnostics place)))
    (when (seq-empty-p diagnostics)
      (user-error "Flymake reports no problem here"))
    (midspan--propose "looks for a fix" :midspan/answer
                      (append (midspan--target-params place) (list :kind "fix" :diagnostics diagnostics)))))

;;;###autoload
(defun midspan-tests ()
  "Write new test code for the region, or for the code around point.
A diff is shown first."
  (interactive)
  (midspan-server-or-lose)
  (midspan--propose "writes tests" :midspan/answer
                    (append (midspan--target-params (midspan--lines)) '(:kind "tests"))))

(defun midspan--answer (kind)
  "Show an answer about the region, or the code around point, on a page.
KIND is the kind of the answer."
  (let* ((server (midspan-server-or-lose))
         (params (append (midspan--target-params (midspan--lines)) (list :kind kind)))
         (page (midspan-page (format "*midspan %s*" kind)))
         (stop (midspan-stream server :midspan/answer params
                               (lambda (piece) (midspan-page-append page piece))
                               (lambda (failure _answer) (midspan-note-end page failure)))))
    (with-current-buffer page
      (setq midspan--stop stop midspan--server server))))

;;;###autoload
(defun midspan-explain ()
  "Explain the region, or the code around point, on a page."
  (interactive)
  (midspan--answer "explain"))

;;;###autoload
(defun midspan-review ()
  "Review the region, or the code around point, on a page."
  (interactive)
  (midspan--answer "review"))

(provide 'midspan-actions)
;;; midspan-actions.el ends here
