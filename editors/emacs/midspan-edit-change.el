;;; midspan-edit-change.el --- A next edit as a change of lines  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A next edit of the server as a change of whole lines, and whether it is of
;; the text as it is now.

;;; Code:

(require 'midspan-edit-diff)
(require 'midspan-server)

;; In BUFFER (nil: the file is not open) the lines OLDS from LINE (from 1) on become NEWS.
(cl-defstruct (midspan-change (:constructor midspan--make-change))
  buffer line olds news)

(defun midspan-edit-file (edit)
  "Return the name of the file of EDIT."
  (midspan--path (plist-get (plist-get edit :textDocument) :uri)))

(defun midspan-edit--fits (edit buffer)
  "Return non-nil if EDIT is of the text of BUFFER as it is now.
An edit of a file that was not open has no version."
  (let ((version (plist-get (plist-get edit :textDocument) :version)))
    (cond ((null version) (not (and buffer (buffer-modified-p buffer))))
          (buffer (with-current-buffer buffer
                    (= version (plist-get (eglot--VersionedTextDocumentIdentifier) :version)))))))

(defun midspan-edit--read (edit buffer)
  "Return the change of EDIT in the current buffer, which has the text of BUFFER."
  (pcase-let ((`(,beg . ,end) (midspan-region (plist-get edit :range))))
    (save-excursion
      (goto-char beg)
      (let* ((line (line-number-at-pos nil t))
             (from (line-beginning-position))
             (to (progn (goto-char end) (line-end-position)))
             (old (buffer-substring-no-properties from to))
             (new (concat (buffer-substring-no-properties from beg)
                          (string-replace "\r\n" "\n" (plist-get edit :text))
                          (buffer-substring-no-properties end to))))
        (midspan-edit--trim buffer line (split-string old "\n") (split-string new "\n"))))))

(defun midspan-edit--trim (buffer line olds news)
  "Return the change of OLDS into NEWS, from LINE of BUFFER on.
It has the fewest lines; return nil when nothing changes."
  (while (and olds news (string= (car olds) (car news)))
    (setq line (1+ line) olds (cdr olds) news (cdr news)))
  (let ((same 0) (old-end (reverse olds)) (new-end (reverse news)))
    (while (and old-end new-end (string= (pop old-end) (pop new-end)))
      (cl-incf same))
    (setq olds (butlast olds same) news (butlast news same)))
  (when (or olds news)
    (midspan--make-change :buffer buffer :line line :olds olds :news news)))

(defun midspan-edit-change (edit)
  "Return the change of EDIT in the present text of its file.
Return nil when EDIT is of another text or changes nothing."
  (let* ((file (midspan-edit-file edit))
         (buffer (find-buffer-visiting file))
         (move eglot-move-to-linepos-function))
    (when (midspan-edit--fits edit buffer)
      (cond (buffer
             (with-current-buffer buffer
               (save-restriction (widen) (midspan-edit--read edit buffer))))
            ((file-readable-p file)
             (with-temp-buffer
               (insert-file-contents file)
               (let ((eglot-move-to-linepos-function move))
                 (midspan-edit--read edit nil))))))))

(defun midspan-change-row (change)
  "Return the line at which the user sees CHANGE: new lines stand below it."
  (if (midspan-change-olds change)
      (midspan-change-line change)
    (max 1 (1- (midspan-change-line change)))))

(defun midspan-change-first-part (change)
  "Return the first part of CHANGE that differs within its first line, or nil."
  (let ((old (car (midspan-change-olds change))) (new (car (midspan-change-news change))))
    (and old new (car (midspan-edit-parts old new)))))

(defun midspan-change-summary (change)
  "Return CHANGE in a few words: \"count → total\"."
  (let* ((part (midspan-change-first-part change))
         (old (string-trim (if part (midspan-part-old part) (or (car (midspan-change-olds change)) ""))))
         (new (string-trim (if part (midspan-part-text part) (or (car (midspan-change-news change)) "")))))
    (truncate-string-to-width
     (cond ((string-empty-p old) (concat "+ " new))
           ((string-empty-p new) (concat "- " old))
           (t (format "%s → %s" old new)))
     60 nil nil t)))

(provide 'midspan-edit-change)
;;; midspan-edit-change.el ends here
