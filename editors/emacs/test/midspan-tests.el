;;; midspan-tests.el --- Tests of Midspan's parts that need no server  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; tests/e2e/test_emacs_lisp.py runs them.

;;; Code:

(require 'ert)
(require 'midspan)

(ert-deftest midspan-tests-rest ()
  (should (equal (midspan-rest-of "wonder" "won") "der"))
  (should (equal (midspan-rest-of "wonder" "") "wonder"))
  (should-not (midspan-rest-of "wonder" "wonder"))
  (should-not (midspan-rest-of "wonder" "wan"))
  (should (equal (midspan-before-tail "a, b)" ")") "a, b"))
  (should (equal (midspan-before-tail "a, b" ")") "a, b")))

(ert-deftest midspan-tests-words ()
  (cl-flet ((pieces (text)
              (let (found)
                (while (not (string-empty-p text))
                  (let ((word (midspan-first-word text)))
                    (should-not (string-empty-p word))
                    (push word found)
                    (setq text (substring text (length word)))))
                (nreverse found))))
    (should (equal (pieces "first_word + second.word()")
                   '("first_word" " +" " second" "." "word" "()")))
    (should (equal (pieces "größe = 'é😀'\n    x") '("größe" " =" " '" "é" "😀'" "\n    x")))
    (should (equal (pieces "x  ") '("x" "  ")))))

(defun midspan-tests-parts (old text)
  "Return the parts in which the line TEXT differs from OLD, as lists."
  (mapcar (lambda (part)
            (list (midspan-part-start part) (midspan-part-old part)
                  (midspan-part-new-start part) (midspan-part-text part)))
          (midspan-edit-parts old text)))

(ert-deftest midspan-tests-parts ()
  (should (equal (midspan-tests-parts "print(count, size)" "print(total, size)") '((6 "count" 6 "total"))))
  (should (equal (midspan-tests-parts "def area(w, h):" "def area(w, h, unit):") '((13 "" 13 ", unit"))))
  (should (equal (midspan-tests-parts "a b c" "x y c") '((0 "a b" 0 "x y"))))
  (should (equal (midspan-tests-parts "x" "x") nil))
  (should (equal (midspan-tests-parts "  x" "") '((2 "x" 0 ""))))
  (should (equal (midspan-tests-parts "    for room in rooms:" "    return sum(values(x) for y in z)")
                 '((4 "for room in rooms:" 4 "return sum(values(x) for y in z)")))))

(ert-deftest midspan-tests-pairs ()
  (should (equal (midspan-edit-pairs '("total = 0.0" "for room in rooms:" "    use(room)")
                                     '("for each in rooms:" "    use(each)"))
                 '(("total = 0.0") ("for room in rooms:" . "for each in rooms:")
                   ("    use(room)" . "    use(each)"))))
  (should (equal (midspan-edit-pairs '("a") '("a" "b")) '(("a" . "a") (nil . "b")))))

(ert-deftest midspan-tests-lines ()
  (should (equal (midspan-first-line "a\n    b\n") "a"))
  (should (equal (midspan-first-line "\n    b\nc") "\n    b"))
  (should (equal (midspan-first-line "a") "a")))

(defmacro midspan-tests-with (text &rest body)
  "Run BODY in a buffer with TEXT, where | is point, and positions are in UTF-32."
  (declare (indent 1))
  `(with-temp-buffer
     (insert ,text)
     (goto-char (point-min))
     (search-forward "|")
     (delete-char -1)
     (setq-local eglot-current-linepos-function #'eglot-utf-32-linepos
                 eglot-move-to-linepos-function #'eglot-move-to-utf-32-linepos)
     ,@body))

(defun midspan-tests-item (text line from to)
  "Return an item as the server sends it: TEXT for columns FROM to TO of LINE."
  `(:insertText ,text :range (:start (:line ,line :character ,from) :end (:line ,line :character ,to))))

(defun midspan-tests-ghost-text ()
  "Return the ghost text that is shown, or nil."
  (and midspan--overlay (substring-no-properties (overlay-get midspan--overlay 'after-string))))

(ert-deftest midspan-tests-candidates ()
  (midspan-tests-with "x = |"
    (midspan--show-result `(:items [,(midspan-tests-item "one" 0 4 4) ,(midspan-tests-item "other" 0 4 4)]))
    (should (equal (midspan-tests-ghost-text) "one (1/2)"))
    (midspan-next)
    (should (equal (midspan-tests-ghost-text) "other (2/2)"))
    (midspan-next)
    (midspan-previous)
    (should (equal (midspan-tests-ghost-text) "other (2/2)"))
    (midspan-accept)
    (should (equal (buffer-string) "x = other"))
    (should-not (midspan-tests-ghost-text))))

(ert-deftest midspan-tests-typing-chooses-the-candidate-that-fits ()
  (midspan-tests-with "x = |"
    (midspan--show-result `[,(midspan-tests-item "one" 0 4 4) ,(midspan-tests-item "two" 0 4 4)])
    (insert "t")
    (midspan--refresh)
    (should (equal (midspan-tests-ghost-text) "wo (2/2)"))
    (insert "x")
    (midspan--refresh)
    (should-not (midspan-tests-ghost-text))
    (midspan-accept)
    (should (equal (buffer-string) "x = tx"))))

(ert-deftest midspan-tests-a-range-behind-point-is-replaced ()
  (midspan-tests-with "é = '😀' + f(|)"
    (midspan--show-result `[,(midspan-tests-item "a, b)" 0 12 13)])
    (should (equal (midspan-tests-ghost-text) "a, b"))
    (midspan-accept-word)
    (should (equal (buffer-string) "é = '😀' + f(a)"))
    (should (equal (midspan-tests-ghost-text) ", b"))
    (midspan-accept)
    (should (equal (buffer-string) "é = '😀' + f(a, b)"))
    (should (eobp))))

(ert-deftest midspan-tests-a-menu-has-the-keys ()
  (midspan-tests-with "x = |"
    (midspan--show-result `[,(midspan-tests-item "one" 0 4 4)])
    (should midspan--keys)
    (dlet ((company-candidates '("only")))
      (midspan--refresh)
      (should-not midspan--keys)
      (should-not (midspan-tests-ghost-text))
      (let ((midspan-beside-menus t))
        (midspan--refresh)
        (should-not midspan--keys)
        (should (equal (midspan-tests-ghost-text) "one"))))
    (midspan--refresh)
    (should midspan--keys)
    (should (equal (midspan-tests-ghost-text) "one"))))

(ert-deftest midspan-tests-company-finds-point-where-it-is ()
  (midspan-tests-with "x = |"
    (midspan-ghost-start)
    (midspan--show-result `[,(midspan-tests-item "one" 0 4 4)])
    (dlet ((company-candidates '("only")))
      (run-hook-with-args 'company-completion-started-hook nil)
      (should-not (midspan-tests-ghost-text)))
    (run-hook-with-args 'company-after-completion-hook nil)
    (should (equal (midspan-tests-ghost-text) "one"))
    (midspan-ghost-stop)
    (should-not (midspan-tests-ghost-text))))

(ert-deftest midspan-tests-edits-of-one-place-stay-in-their-order ()
  (midspan-tests-with "|ab\ncd\n"
    (cl-flet ((edit (line from to text)
                `(:range (:start (:line ,line :character ,from) :end (:line ,line :character ,to)) :newText ,text)))
      (midspan--make-edits (list (edit 0 0 0 "1") (edit 0 0 0 "2") (edit 1 0 1 "") (edit 0 1 2 "BB"))))
    (should (equal (buffer-string) "12aBB\nd\n"))))

(ert-deftest midspan-tests-a-reference-counts-while-its-line-stands ()
  (let ((references '(("> a.py:1-2" . (:uri "a")) ("> b.py:3-3" . (:uri "b")))))
    (should (equal (midspan-chat-read-question "> b.py:3-3\n\nWhy?\n" references)
                   '(:role "user" :content "Why?" :references [(:uri "b")])))
    (should (equal (midspan-chat-read-question "Why?" references) '(:role "user" :content "Why?")))))

(ert-deftest midspan-tests-code-of-an-answer ()
  (midspan-tests-with "Do:\n\n```python\nx |= 1\n```\nNo code.\n"
    (should (equal (midspan-chat--code) "x = 1\n"))
    (goto-char (point-max))
    (should-error (midspan-chat--code) :type 'user-error)))

(ert-deftest midspan-tests-capabilities-are-added-to-those-of-eglot ()
  (let ((announced (midspan--with '(:textDocument (:codeAction (:resolveSupport 1) :hover 2)) '(:textDocument :codeAction :disabledSupport) t)))
    (should (equal announced '(:textDocument (:codeAction (:resolveSupport 1 :disabledSupport t) :hover 2))))))

(ert-deftest midspan-tests-a-model-is-selected-by-its-marks ()
  (let* ((midspan-settings '(:log_level "debug"))
         told shown
         (completing-read-function
          (lambda (_prompt table &rest _)
            (let ((annotate (alist-get 'annotation-function (cdr (funcall table "" nil 'metadata)))))
              (setq shown (mapcar (lambda (name) (concat name (funcall annotate name))) (all-completions "" table))))
            "mine")))
    (cl-letf (((symbol-function 'midspan-servers) (lambda () '(server)))
              ((symbol-function 'jsonrpc-notify) (lambda (_server method settings) (push (list method settings) told))))
      (midspan-model-read
       '(:here ((:name "mine" :use ("chat") :size_bytes 1000000000 :form "int8" :tokens_per_s 28.0 :fast_enough ("chat"))
                (:name "broken" :problem "empty"))
               :catalogue ((:name "best" :use ("chat") :size_bytes 3000000000 :form "int4" :tokens_per_s 16.0
                                  :fast_enough ("chat") :recommended ("chat"))
                           (:name "big" :use ("chat") :size_bytes 15000000000 :form "int4" :tokens_per_s 7.0)
                           (:name "other" :use ("completion") :size_bytes 1)))
       :chat ""))
    (should (equal shown '("none  no chat, in use"
                           "mine  1.0 GB, about 28 tokens/s, fast enough here"
                           "best  3.0 GB, about 16 tokens/s, recommended: the largest that is fast enough here, not downloaded yet"
                           "big  15.0 GB, about 7 tokens/s, slow here, not downloaded yet")))
    (should (equal told '((:midspan/userSettings (:log_level "debug" :chat (:model "mine"))))))))

(provide 'midspan-tests)
;;; midspan-tests.el ends here
