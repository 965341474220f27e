;;; midspan-edit-diff.el --- The words in which a text differs  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Pure functions on text: which lines of a change belong together, and which
;; words of a line changed.

;;; Code:

(require 'cl-lib)
(require 'subr-x)

(defconst midspan-edit-diff-least-kept 0.4
  "The share of a line's text that has to stay; with less, it is another line.")

(defconst midspan-edit-diff-most-cells 40000
  "Longer texts are not compared word by word.")

;; OLD at the column START of the old line became TEXT at the column NEW-START of the new one.
(cl-defstruct (midspan-part (:constructor midspan-part (start old new-start text)))
  start old new-start text)

(defun midspan-edit-diff--tokens (text)
  "Return the words of TEXT, its white space and its other characters."
  (let ((at 0) tokens)
    (while (string-match "[[:alnum:]_]+\\|[ \t]+\\|[^[:alnum:]_ \t]" text at)
      (push (match-string 0 text) tokens)
      (setq at (match-end 0)))
    (vconcat (nreverse tokens))))

(defun midspan-edit-diff--align (olds news score)
  "Return the pairs of indexes into the vectors OLDS and NEWS that belong together.
SCORE is a function of two elements; the sum of the scores is the
greatest, and a score of 0 is no pair."
  (let* ((rows (length olds)) (columns (length news)) (width (1+ columns))
         (best (make-vector (* (1+ rows) width) 0)) (scores (make-vector (* (1+ rows) width) 0))
         (i 0) (j 0) pairs)
    (when (<= (* rows columns) midspan-edit-diff-most-cells)
      (cl-loop for i from (1- rows) downto 0 do
               (cl-loop for j from (1- columns) downto 0
                        for at = (+ (* i width) j)
                        for here = (funcall score (aref olds i) (aref news j)) do
                        (aset scores at here)
                        (aset best at (max (if (> here 0) (+ here (aref best (+ at width 1))) 0)
                                           (aref best (+ at width)) (aref best (1+ at))))))
      (while (and (< i rows) (< j columns))
        (let* ((at (+ (* i width) j)) (here (aref scores at)))
          (cond ((and (> here 0) (= (aref best at) (+ here (aref best (+ at width 1)))))
                 (push (cons i j) pairs)
                 (cl-incf i)
                 (cl-incf j))
                ((= (aref best at) (aref best (+ at width))) (cl-incf i))
                (t (cl-incf j))))))
    (nreverse pairs)))

(defun midspan-edit-diff--words (old text)
  "Return the parts in which the line TEXT differs from OLD.
Changes with nothing but white space between them are one."
  (let* ((olds (midspan-edit-diff--tokens old)) (news (midspan-edit-diff--tokens text))
         (same (midspan-edit-diff--align olds news (lambda (a b) (if (string= a b) (length a) 0))))
         (i 0) (j 0) (start 0) (new-start 0) parts)
    (pcase-dolist (`(,old-at . ,new-at) (append same (list (cons (length olds) (length news)))))
      (let ((gone (string-join (seq-subseq olds i old-at))) (new (string-join (seq-subseq news j new-at)))
            (kept (if (< old-at (length olds)) (length (aref olds old-at)) 0)))
        (unless (and (string-empty-p gone) (string-empty-p new))
          (midspan-edit-diff--add (midspan-part start gone new-start new) parts old
                                  (lambda (now) (setq parts now))))
        (cl-incf start (+ (length gone) kept))
        (cl-incf new-start (+ (length new) kept))
        (setq i (1+ old-at) j (1+ new-at))))
    (nreverse parts)))

(defun midspan-edit-diff--add (part parts old set)
  "Put PART before PARTS by the function SET, or join it with the first of them.
OLD is the old line."
  (let* ((last (car parts))
         (between (and last (substring old (+ (midspan-part-start last) (length (midspan-part-old last)))
                                       (midspan-part-start part)))))
    (if (not (and between (string-blank-p between)))
        (funcall set (cons part parts))
      (setf (midspan-part-old last) (concat (midspan-part-old last) between (midspan-part-old part))
            (midspan-part-text last) (concat (midspan-part-text last) between (midspan-part-text part))))))

(defun midspan-edit-diff--size (text)
  "Return the number of characters of TEXT that are not white space."
  (length (replace-regexp-in-string "[ \t]+" "" text)))

(defun midspan-edit-diff--kept (old parts)
  "Return how many characters of OLD stay beside PARTS, without white space."
  (- (midspan-edit-diff--size old)
     (apply #'+ (mapcar (lambda (part) (midspan-edit-diff--size (midspan-part-old part))) parts))))

(defun midspan-edit-parts (old text)
  "Return the parts of the line OLD that changed to make TEXT.
Where hardly anything stays, that is the line without its indentation."
  (let* ((parts (if (string= old text) nil (midspan-edit-diff--words old text)))
         (longer (max (midspan-edit-diff--size old) (midspan-edit-diff--size text)))
         (kept (midspan-edit-diff--kept old parts)))
    (if (and parts (or (string-empty-p text)
                       (and (cdr parts) (< kept (* midspan-edit-diff-least-kept longer)))))
        (let ((start (- (length old) (length (string-trim-left old))))
              (new-start (- (length text) (length (string-trim-left text)))))
          (list (midspan-part start (substring old start) new-start (substring text new-start))))
      parts)))

(defun midspan-edit-diff--resemblance (old text)
  "Return the share of text that the lines OLD and TEXT have in common, or 0."
  (if (string= old text)
      (1+ (/ (length old) 1000.0))      ; among equal lines the longer one anchors
    (let ((share (/ (midspan-edit-diff--kept old (midspan-edit-diff--words old text))
                    (float (max 1 (midspan-edit-diff--size old) (midspan-edit-diff--size text))))))
      (if (< share midspan-edit-diff-least-kept) 0 share))))

(defun midspan-edit-pairs (olds news)
  "Pair the lines OLDS with those of NEWS that they resemble, in order.
The value is a list of conses; a line without a counterpart has nil there."
  (let ((i 0) (j 0) pairs)
    (pcase-dolist (`(,old-at . ,new-at)
                   (append (midspan-edit-diff--align (vconcat olds) (vconcat news) #'midspan-edit-diff--resemblance)
                           (list (cons (length olds) (length news)))))
      (dolist (old (seq-subseq olds i old-at)) (push (cons old nil) pairs))
      (dolist (new (seq-subseq news j new-at)) (push (cons nil new) pairs))
      (when (< old-at (length olds))
        (push (cons (nth old-at olds) (nth new-at news)) pairs))
      (setq i (1+ old-at) j (1+ new-at)))
    (nreverse pairs)))

(provide 'midspan-edit-diff)
;;; midspan-edit-diff.el ends here
