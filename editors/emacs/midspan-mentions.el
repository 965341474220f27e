;;; midspan-mentions.el --- "@" in a question  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Completes "@" and some letters to a file, a folder or a symbol that the
;; question is then about: at the key of `completion-at-point', and as one
;; types where company or corfu complete.

;;; Code:

(require 'midspan-server)

(defconst midspan-mentions--regexp
  "\\(?:^\\|[^[:alnum:]_@/.\\]\\)\\(@\\(?:\\(?:file\\|folder\\|symbol\\):\\)?\\(?:\"[^\"\n]*\\|[[:alnum:]_./\\#$~+-]*\\)\\)\\="
  "Matches \"@\" where a word begins, and the letters behind it up to point.")

;; The server has found what is like the typed letters, so Emacs filters nothing: not even what begins otherwise.
(add-to-list 'completion-styles-alist
             '(midspan-as-they-come midspan-mentions--try midspan-mentions--all "The items of the server, all."))
(add-to-list 'completion-category-defaults '(midspan-mention (styles midspan-as-they-come)))

(defun midspan-mentions--all (text table predicate _point)
  "Return all completions of TEXT in TABLE that satisfy PREDICATE."
  (funcall table text predicate t))

(defun midspan-mentions--try (text table predicate point)
  "Return the only completion of TEXT in TABLE that satisfies PREDICATE.
Where there are several, return TEXT with POINT."
  (pcase (funcall table text predicate t)
    ('nil nil)
    (`(,only) (if (equal only text) t (cons only (length only))))
    (_ (cons text point))))

(defun midspan-mentions--request (query document)
  "Return the server's items for QUERY, asked from DOCUMENT.
The value is nil when the user types on meanwhile."
  (when-let* ((server (midspan-server-here)))
    (plist-get (jsonrpc-request server :midspan/chatReferences
                                `(:query ,query ,@(and document `(:textDocument (:uri ,document))))
                                :timeout 2 :cancel-on-input t)
               :items)))

(defun midspan-mentions-at-point (document)
  "Complete the mention at point, for `completion-at-point-functions'.
DOCUMENT is the URI of the file that the user looks at, or nil."
  (when (save-excursion (re-search-backward midspan-mentions--regexp (pos-bol) t))
    (let ((start (match-beginning 1)) (end (point)) asked items)
      (cl-flet* ((items-for (text)
                   (unless (equal text asked)
                     (setq items (append (midspan-mentions--request (string-remove-prefix "@" text) document) nil)
                           asked text))
                   items)
                 (annotate (insert)
                   (when-let* ((item (seq-find (lambda (item) (equal (plist-get item :insert) insert)) items)))
                     (format "  %s %s%s" (plist-get item :kind) (plist-get item :path)
                             (if-let* ((line (plist-get item :line))) (format ":%d" (1+ line)) "")))))
        (list start end
              (lambda (text predicate action)
                (cond ((eq action 'metadata)
                       `(metadata (category . midspan-mention) (annotation-function . ,#'annotate)
                                  (display-sort-function . ,#'identity)))
                      ((eq (car-safe action) 'boundaries) nil)
                      (t (complete-with-action
                          action (mapcar (lambda (item) (plist-get item :insert)) (items-for text))
                          (if (eq action t) "" text) predicate))))
              :annotation-function #'annotate)))))

(provide 'midspan-mentions)
;;; midspan-mentions.el ends here
