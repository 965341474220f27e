;;; midspan-edit-view.el --- Overlays of a next edit  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Shows a next edit: its removed words struck through, its new ones behind
;; them, new lines below; or its place, when that is not on the screen.

;;; Code:

(require 'midspan-edit-change)
(require 'midspan-options)

(defconst midspan-edit-view-inline-parts 3
  "A line with more changes is shown as a whole, below the old one.")

(defvar midspan-edit-view--overlays nil "The overlays of the edit that is shown.")

(defun midspan-edit-view-clear ()
  "Remove all that is shown."
  (mapc #'delete-overlay midspan-edit-view--overlays)
  (setq midspan-edit-view--overlays nil))

(defun midspan-edit-view--overlay (beg end &rest properties)
  "Put an overlay with PROPERTIES from BEG to END."
  (let ((overlay (make-overlay beg end nil t)))
    (push overlay midspan-edit-view--overlays)
    (while properties
      (overlay-put overlay (pop properties) (pop properties)))
    overlay))

(defun midspan-edit-view--at (line)
  "Return the position at which LINE begins."
  (save-excursion
    (goto-char (point-min))
    (forward-line (1- line))
    (point)))

(defun midspan-edit-view--say (line text &optional below)
  "Show TEXT at the end of LINE, and the lines BELOW it."
  (let* ((end (save-excursion (goto-char (midspan-edit-view--at line)) (line-end-position)))
         (hint (if text (propertize (concat "   " text) 'face 'midspan-edit-hint) ""))
         (shown (concat hint (and below (concat "\n" (string-join below "\n"))))))
    (put-text-property 0 1 'cursor t shown)  ; keeps the cursor before it
    (midspan-edit-view--overlay end end 'after-string shown 'priority 10)))

(defun midspan-edit-view--mark (line)
  "Put an arrow into the fringe beside LINE."
  (let ((at (midspan-edit-view--at line)))
    (midspan-edit-view--overlay
     at at 'before-string (propertize "!" 'display '(left-fringe right-triangle midspan-edit-hint)))))

(defun midspan-edit-view--inline-p (pair)
  "Return non-nil if the parts of PAIR are read best within the old line."
  (let ((parts (and (car pair) (cdr pair) (midspan-edit-parts (car pair) (cdr pair)))))
    (and (car pair) (cdr pair)
         (<= (length parts) midspan-edit-view-inline-parts)
         (not (and parts (string= (midspan-part-old (car parts)) (string-trim (car pair))))))))

(defun midspan-edit-view--strike (line parts is-inline)
  "Strike PARTS of LINE through; show their new texts there if IS-INLINE."
  (let ((at (midspan-edit-view--at line)))
    (dolist (part parts)
      (let* ((beg (+ at (midspan-part-start part))) (end (+ beg (length (midspan-part-old part)))))
        (when (< beg end)
          (midspan-edit-view--overlay beg end 'face 'midspan-edit-delete 'priority 100))
        (when (and is-inline (not (string-empty-p (midspan-part-text part))))
          (let ((new (propertize (midspan-part-text part) 'face 'midspan-edit-add)))
            (when (= beg end) (put-text-property 0 1 'cursor t new))
            (midspan-edit-view--overlay end end 'after-string new 'priority 100)))))))

(defun midspan-edit-view--new-line (pair)
  "Return the new line of PAIR, its new words highlighted."
  (let ((text (propertize (cdr pair) 'face 'midspan-edit-line)))
    (dolist (part (midspan-edit-parts (or (car pair) "") (cdr pair)))
      (let ((beg (midspan-part-new-start part)))
        (put-text-property beg (+ beg (length (midspan-part-text part))) 'face 'midspan-edit-add text)))
    text))

(defun midspan-edit-view--draw-lines (line pairs)
  "Draw PAIRS, the first of which is at LINE.
Return an alist from lines to the new lines that stand below them."
  (let (waiting below)
    (cl-flet ((flush ()
                (when waiting
                  (push (cons (1- line) (nreverse waiting)) below)
                  (setq waiting nil))))
      (dolist (pair pairs)
        (let ((is-inline (midspan-edit-view--inline-p pair)))
          (when (and (car pair) (equal (car pair) (cdr pair))) (flush))
          (when (and (cdr pair) (not is-inline))
            (push (midspan-edit-view--new-line pair) waiting))
          (when (car pair)
            (midspan-edit-view--strike line (midspan-edit-parts (car pair) (or (cdr pair) "")) is-inline)
            (cl-incf line))))
      (flush))
    below))

(defun midspan-edit-view-diff (change hint)
  "Draw the diff of CHANGE in its buffer, with HINT behind its first line."
  (let* ((pairs (midspan-edit-pairs (midspan-change-olds change) (midspan-change-news change)))
         (below (midspan-edit-view--draw-lines (midspan-change-line change) pairs))
         (row (midspan-change-row change)))
    (midspan-edit-view--mark row)
    (midspan-edit-view--say row hint (alist-get row below))
    (pcase-dolist (`(,line . ,lines) below)
      (cond ((= line 0)
             (midspan-edit-view--overlay
              (point-min) (point-min) 'before-string (concat (string-join lines "\n") "\n")))
            ((/= line row) (midspan-edit-view--say line nil lines))))))

(defun midspan-edit-view-place (text)
  "Show TEXT behind the line of point: where an edit is that is out of sight."
  (midspan-edit-view--say (line-number-at-pos) text))

(provide 'midspan-edit-view)
;;; midspan-edit-view.el ends here
