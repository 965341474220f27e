;;; midspan-chat.el --- A conversation with Midspan  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A buffer that is the conversation.  The text below its last heading is the
;; question; C-c C-c sends the question.  A line "> file.py:3-9" in the
;; question refers to these lines of the file.

;;; Code:

(require 'cl-lib)
(require 'midspan-mentions)
(require 'midspan-page)
(require 'midspan-server)

(defconst midspan-chat--you "## You")
(defconst midspan-chat--midspan "## Midspan")

(defvar-local midspan-chat--messages nil "The messages of the conversation, the oldest first.")
(defvar-local midspan-chat--references nil "An alist of lines of this buffer and the references they stand for.")
(defvar-local midspan-chat--document nil "The URI of the file from which the chat was last opened.")
(defvar-local midspan-chat--source nil "The buffer from which the chat was last opened.")

(defvar-keymap midspan-chat-mode-map
  :parent text-mode-map
  "C-c C-c" #'midspan-chat-send
  "C-c C-k" #'midspan-stop
  "TAB" #'completion-at-point
  "C-c C-n" #'midspan-chat-new
  "C-c C-w" #'midspan-chat-copy-code
  "C-c C-i" #'midspan-chat-insert-code)

(define-derived-mode midspan-chat-mode text-mode "Midspan-chat"
  "A conversation: write a question below the last heading, and send it."
  :interactive nil
  (midspan-page-fontify)
  (add-hook 'kill-buffer-hook #'midspan--stop-answer nil t)
  (setq-local completion-at-point-functions '(midspan-chat--mention-at-point))
  (setq header-line-format
        (substitute-command-keys "\\<midspan-chat-mode-map>\\[midspan-chat-send] sends, \
\\[midspan-stop] stops, \\[midspan-chat-new] starts over, @ names code; code at point: \
\\[midspan-chat-copy-code] copies, \\[midspan-chat-insert-code] inserts")))

(defun midspan-chat--add-heading ()
  "Add the heading under which the user writes."
  (let ((inhibit-read-only t))
    (goto-char (point-max))
    (unless (bobp)
      (insert (if (bolp) "\n" "\n\n")))
    (insert midspan-chat--you "\n\n")))

(defun midspan-chat--question-start ()
  "Return the position where the question begins."
  (save-excursion
    (goto-char (point-max))
    (if (re-search-backward (concat "^" (regexp-quote midspan-chat--you) "$") nil t)
        (min (1+ (pos-eol)) (point-max))
      (point-min))))

(defun midspan-chat-read-question (text references)
  "Return TEXT as a message of the user.
The message has those of the alist REFERENCES whose lines TEXT contains."
  (let* ((lines (split-string text "\n"))
         (used (delq nil (mapcar (lambda (line) (cdr (assoc line references))) lines)))
         (words (seq-remove (lambda (line) (assoc line references)) lines)))
    `(:role "user" :content ,(string-trim (string-join words "\n"))
            ,@(and used (list :references (vconcat used))))))

(defun midspan-chat--mention-at-point ()
  "Complete the mention at point."
  (midspan-mentions-at-point midspan-chat--document))

(defun midspan-chat--place ()
  "Return the parameters that say where the user is."
  (append
   (and midspan-chat--document `(:textDocument (:uri ,midspan-chat--document)))
   (and (buffer-live-p midspan-chat--source)
        (with-current-buffer midspan-chat--source
          (and (midspan-server-here)
               `(:selection ,(if (use-region-p) (midspan-range (region-beginning) (region-end))
                               (midspan-range (point) (point)))))))))

(defun midspan-chat-send ()
  "Send the question below the last heading.
The question \"/clear\" is the command `midspan-chat-new'."
  (interactive)
  (when midspan--stop
    (user-error "Midspan is still answering; stop it with C-c C-k"))
  (let ((question (midspan-chat-read-question
                   (buffer-substring-no-properties (midspan-chat--question-start) (point-max))
                   midspan-chat--references)))
    (pcase (plist-get question :content)
      ("" (user-error "Write a question first"))
      ("/clear" (midspan-chat-new))
      (_ (midspan-chat--ask question)))))

(defun midspan-chat--ask (question)
  "Send QUESTION, with the conversation."
  (let* ((page (current-buffer))
         (server (setq midspan--server (midspan-server-or-lose)))
         (messages (append midspan-chat--messages (list question)))
         (pieces nil))
    (goto-char (point-max))
    (insert (if (bolp) "\n" "\n\n") midspan-chat--midspan "\n\n")
    (setq buffer-read-only t
          midspan--stop
          (midspan-stream
           server :midspan/chat
           `(:messages ,(vconcat messages) :keep t ,@(midspan-chat--place))
           (lambda (piece)
             (midspan-page-show-progress page "")
             (push piece pieces)
             (midspan-page-append page piece))
           (lambda (failure result)
             (when (buffer-live-p page)
               (midspan-chat--end page messages failure result (apply #'concat (reverse pieces)))))
           (lambda (words) (midspan-page-show-progress page words))))))

(defun midspan-chat--end (page messages failure result pieces)
  "Note on PAGE that RESULT answers MESSAGES, or that FAILURE ended its PIECES."
  (midspan-page-show-progress page "")
  (midspan-note-end page failure)
  (midspan-page-list-parts page (plist-get result :used))
  (when (cl-plusp (length (plist-get result :unknown)))
    (midspan-page-append page (format "\n\n> Nothing here has the name %s\n"
                                      (string-join (plist-get result :unknown) ", "))))
  (midspan-chat--note-answer page messages (or (plist-get result :text) pieces)))

(defun midspan-chat--note-answer (page messages answer)
  "Let the conversation on PAGE go on after MESSAGES and ANSWER."
  (with-current-buffer page
    (setq buffer-read-only nil)
    (unless (string-empty-p answer)  ; an unanswered question does not belong to the conversation
      (setq midspan-chat--references nil
            midspan-chat--messages (append messages `((:role "assistant" :content ,answer)))))
    (let ((windows (seq-filter (lambda (window) (= (window-point window) (point-max)))
                               (get-buffer-window-list page nil t))))
      (midspan-chat--add-heading)
      (dolist (window windows)
        (set-window-point window (point-max))))))

(defun midspan-chat-new ()
  "Start a new conversation, also for the next Emacs."
  (interactive)
  (when midspan--stop
    (user-error "Midspan is still answering; stop it with C-c C-k"))
  (erase-buffer)
  (setq midspan-chat--messages nil midspan-chat--references nil)
  (midspan-chat--add-heading)
  (midspan-send (midspan-server-or-lose) :midspan/conversation (midspan-chat--about "clear") #'ignore))

(defun midspan-chat--about (action)
  "Return the parameters of midspan/conversation for ACTION."
  `(:action ,action ,@(and midspan-chat--document `(:textDocument (:uri ,midspan-chat--document)))))

(defun midspan-chat--reopen (page)
  "Show on PAGE the conversation that is kept, unless the user asks before."
  (midspan-send
   (midspan-server-or-lose) :midspan/conversation (midspan-chat--about "get")
   (lambda (_failure result)
     (when (and (buffer-live-p page) (cl-plusp (length (plist-get result :messages))))
       (with-current-buffer page
         (unless (or midspan-chat--messages midspan--stop)
           (midspan-chat--show-kept (append (plist-get result :messages) nil))))))))

(defun midspan-chat--show-kept (messages)
  "Show MESSAGES above the question that the user may be writing."
  (let ((question (delete-and-extract-region (midspan-chat--question-start) (point-max))))
    (erase-buffer)
    (setq midspan-chat--messages messages)
    (dolist (message messages)
      (insert (if (bobp) "" "\n\n")
              (if (equal (plist-get message :role) "user") midspan-chat--you midspan-chat--midspan) "\n\n"
              (plist-get message :content))
      (midspan-page-list-parts (current-buffer) (plist-get message :used)))
    (midspan-chat--add-heading)
    (insert (string-trim-left question))
    (dolist (window (get-buffer-window-list nil nil t))
      (set-window-point window (point-max)))))

(defun midspan-chat--reference (beg end)
  "Return a reference to the lines from BEG to END of this buffer.
The value is a cons of a line of the chat and the reference it stands for."
  (save-excursion
    (let* ((first (progn (goto-char beg) (pos-bol)))
           (last (progn (goto-char end) (if (and (bolp) (> end first)) (1- end) (pos-eol)))))
      (cons (format "> %s:%d-%d" (file-name-nondirectory buffer-file-name)
                    (line-number-at-pos first t) (line-number-at-pos last t))
            (list :uri (plist-get (eglot--TextDocumentIdentifier) :uri)
                  :range (midspan-range first last))))))

(defun midspan-chat--of-project-p (server)
  "Return non-nil when the conversation of this page is that of SERVER's project."
  (and midspan--server (equal (eglot--project server) (eglot--project midspan--server))))

;;;###autoload
(defun midspan-chat ()
  "Open the conversation.
The next question refers to the region, if there is one."
  (interactive)
  (let* ((server (midspan-server-or-lose))
         (is-source (and buffer-file-name (midspan-server-here)))
         (reference (and is-source (use-region-p) (midspan-chat--reference (region-beginning) (region-end))))
         (uri (and is-source (plist-get (eglot--TextDocumentIdentifier) :uri)))
         (source (current-buffer)))
    (when is-source (eglot--signal-textDocument/didChange))
    (pop-to-buffer (get-buffer-create "*midspan chat*"))
    (unless midspan--stop
      (let ((is-new (or (not (derived-mode-p 'midspan-chat-mode))
                        (and is-source (not (midspan-chat--of-project-p server))))))
        (when is-new
          (midspan-chat-mode)
          (erase-buffer)
          (midspan-chat--add-heading))
        (setq midspan--server server)
        (when is-source
          (setq midspan-chat--document uri midspan-chat--source source))
        (when is-new
          (midspan-chat--reopen (current-buffer)))))
    (goto-char (point-max))
    (when (and reference (not midspan--stop))
      (push reference midspan-chat--references)
      (insert (car reference) "\n"))))

(defun midspan-chat--code ()
  "Return the code of the block around point."
  (save-excursion
    (let ((place (point)) beg)
      (end-of-line)
      (unless (re-search-backward "^```.*\n" nil t)
        (user-error "Point is not in a block of code"))
      (setq beg (match-end 0))
      (goto-char beg)
      (unless (and (re-search-forward "^```" nil t) (<= place (pos-eol)))
        (user-error "Point is not in a block of code"))
      (buffer-substring-no-properties beg (pos-bol)))))

(defun midspan-chat-copy-code ()
  "Copy the block of code at point."
  (interactive)
  (kill-new (midspan-chat--code))
  (message "Copied"))

(defun midspan-chat-insert-code ()
  "Insert the block of code at point into the buffer that opened the chat."
  (interactive)
  (let ((code (midspan-chat--code)))
    (unless (buffer-live-p midspan-chat--source)
      (user-error "The buffer from which the chat was opened does not exist any more"))
    (pop-to-buffer midspan-chat--source)
    (insert code)))

(provide 'midspan-chat)
;;; midspan-chat.el ends here
