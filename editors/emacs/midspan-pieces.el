;;; midspan-pieces.el --- Parts of ghost text  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Pure functions on text: what is left of an item after what has been typed,
;; its first word, its first line.

;;; Code:

(require 'subr-x)

(defun midspan-rest-of (text typed)
  "What of TEXT is left after TYPED; nil when nothing is, or it begins otherwise."
  (and (string-prefix-p typed text)
       (not (string= typed text))
       (substring text (length typed))))

(defun midspan-before-tail (text tail)
  "TEXT without TAIL, which stands behind the cursor already, at its end."
  (string-remove-suffix tail text))

(defun midspan-first-word (text)
  "The first word of TEXT with the white space before it.
Or the first run of other characters."
  (if (string-match "\\`[ \t\n]*\\(?:[[:alnum:]_]+\\|[^[:alnum:]_ \t\n]+\\)" text)
      (match-string 0 text)
    text))

(defun midspan-first-line (text)
  "The first line of TEXT that is not empty, with the line ends before it."
  (string-match "\\`\n*[^\n]*" text)
  (match-string 0 text))

(provide 'midspan-pieces)
;;; midspan-pieces.el ends here
