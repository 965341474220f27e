;;; midspan-pieces.el --- Parts of ghost text  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Pure functions on text: the rest of an item after the typed part, its first
;; word, its first line.

;;; Code:

(require 'subr-x)

(defun midspan-rest-of (text typed)
  "Return TEXT without its prefix TYPED; nil when nothing is left or it differs."
  (and (string-prefix-p typed text)
       (not (string= typed text))
       (substring text (length typed))))

(defun midspan-before-tail (text tail)
  "Return TEXT without the suffix TAIL, which is behind the cursor already."
  (string-remove-suffix tail text))

(defun midspan-first-word (text)
  "Return the first word of TEXT with the white space before it.
If TEXT begins with no word, return its first run of other characters."
  (if (string-match "\\`[ \t\n]*\\(?:[[:alnum:]_]+\\|[^[:alnum:]_ \t\n]+\\)" text)
      (match-string 0 text)
    text))

(defun midspan-first-line (text)
  "Return the first line of TEXT that is not empty, with the line ends before it."
  (string-match "\\`\n*[^\n]*" text)
  (match-string 0 text))

(provide 'midspan-pieces)
;;; midspan-pieces.el ends here
