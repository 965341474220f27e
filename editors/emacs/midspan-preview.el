;;; midspan-preview.el --- A proposed edit as a diff  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Shows a proposed edit as a diff; RET applies the edit, q rejects it.

;;; Code:

(require 'cl-lib)
(require 'diff-mode)
(require 'midspan-server)

(defvar-local midspan--edit nil "The WorkspaceEdit that this page shows.")
(defvar-local midspan--ticks nil "An alist of the buffers that the edit changes, and their ticks.")

(defun midspan-edits-by-file (edit)
  "Return an alist from paths to TextEdits: what EDIT, a WorkspaceEdit, has."
  (append
   (cl-loop for (uri edits) on (plist-get edit :changes) by #'cddr
            collect (cons (midspan--path uri) (append edits nil)))
   (cl-loop for change across (or (plist-get edit :documentChanges) [])
            when (plist-get change :edits)
            collect (cons (midspan--path (plist-get (plist-get change :textDocument) :uri))
                          (append (plist-get change :edits) nil)))))

(defun midspan--make-edits (edits)
  "Apply EDITS, which do not overlap, to this buffer."
  (let ((places (mapcar (lambda (edit)
                          (list (midspan-region (plist-get edit :range)) (plist-get edit :newText)))
                        edits)))
    ;; From the end, so that no edit moves another; edits of one place keep their order.
    (pcase-dolist (`((,beg . ,end) ,text) (cl-stable-sort (reverse places) #'> :key #'caar))
      (goto-char beg)
      (delete-region beg end)
      (insert text))))

(defun midspan--linepos-functions ()
  "Return the functions by which eglot counts columns for this buffer's server."
  (cl-loop for name in '(eglot-move-to-linepos-function eglot-move-to-column-function)
           when (boundp name) collect (cons name (symbol-value name))))

(defun midspan--diff (path edits counting)
  "Return a unified diff between the file at PATH and the file after EDITS.
COUNTING is a value of `midspan--linepos-functions'."
  (let ((old (make-temp-file "midspan-old")) (new (make-temp-file "midspan-new"))
        (coding-system-for-write 'utf-8-unix) (visited (find-buffer-visiting path)))
    (unwind-protect
        (with-temp-buffer
          (pcase-dolist (`(,name . ,value) counting) (set (make-local-variable name) value))
          (cond (visited (insert-buffer-substring-no-properties visited))
                ((file-exists-p path) (insert-file-contents path)))
          (write-region nil nil old nil 'silent)
          (midspan--make-edits edits)
          (write-region nil nil new nil 'silent)
          (erase-buffer)
          (let ((coding-system-for-read 'utf-8-unix))
            (call-process "diff" nil t nil "-u" "--label" path "--label" path old new))
          (buffer-string))
      (delete-file old)
      (delete-file new))))

(defvar-keymap midspan-preview-mode-map
  :parent diff-mode-map
  "RET" #'midspan-preview-accept
  "C-c C-c" #'midspan-preview-accept
  "q" #'midspan-preview-reject
  "C-c C-k" #'midspan-preview-reject)

(define-derived-mode midspan-preview-mode diff-mode "Midspan-edit"
  "An edit that Midspan proposes."
  :interactive nil
  (setq buffer-read-only t
        diff-mode-read-only nil         ; its keys would go before those of this mode
        header-line-format "RET applies the edit, q rejects it"))

(defun midspan-preview (edit source)
  "Show EDIT, which was requested in the buffer SOURCE, as a diff."
  (let* ((files (midspan-edits-by-file edit))
         (counting (with-current-buffer source (midspan--linepos-functions)))
         (diff (cl-loop for (path . edits) in files concat (midspan--diff path edits counting)))
         (page (get-buffer-create "*midspan edit*")))
    (if (string-empty-p diff)
        (message "Midspan: the edit changes nothing")
      (with-current-buffer page
        (let ((inhibit-read-only t))
          (erase-buffer)
          (insert diff))
        (midspan-preview-mode)
        (goto-char (point-min))
        (setq midspan--edit edit
              midspan--server (with-current-buffer source (midspan-server-here))
              midspan--ticks (cl-loop for (path . _) in files
                                      for buffer = (find-buffer-visiting path)
                                      when buffer collect
                                      (cons buffer (buffer-chars-modified-tick buffer)))))
      (pop-to-buffer page))))

(defun midspan-apply (edit)
  "Apply EDIT, a WorkspaceEdit, without asking again."
  (dlet ((eglot-confirm-server-edits nil))
    (eglot--apply-workspace-edit edit nil)))

(defun midspan-preview-accept ()
  "Apply the edit that is shown, unless the text has changed since."
  (interactive)
  (let ((edit midspan--edit) (ticks midspan--ticks))
    (midspan-preview-reject)
    (if (cl-every (lambda (entry)
                    (and (buffer-live-p (car entry))
                         (= (cdr entry) (buffer-chars-modified-tick (car entry)))))
                  ticks)
        (progn
          (midspan-apply edit)
          (midspan--show-changed edit))
      (message "Midspan: the edit was not applied, because the text has changed since"))))

(defun midspan--show-changed (edit)
  "Pop to the file that EDIT has changed, if it is in no window."
  (let ((buffer (find-buffer-visiting (caar (midspan-edits-by-file edit)))))
    (when (and buffer (not (get-buffer-window buffer)))
      (pop-to-buffer buffer))))

(defun midspan-preview-reject ()
  "Reject the edit."
  (interactive)
  (quit-window t))

(provide 'midspan-preview)
;;; midspan-preview.el ends here
