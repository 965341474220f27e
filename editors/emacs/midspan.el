;;; midspan.el --- Grey text from Midspan, over eglot  -*- lexical-binding: t -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: languages, convenience
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Midspan completes code with a model on your own machine.  Eglot talks to its
;; server; this adds what eglot lacks, `textDocument/inlineCompletion': grey text
;; at point, which TAB accepts.  README.md says how to set it up.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'map)

(defgroup midspan nil
  "Completion of code by a model on your own machine."
  :group 'tools)

(defcustom midspan-command '("midspan" "serve")
  "The server and its arguments."
  :type '(repeat string))

(defcustom midspan-settings nil
  "Settings of the server.
A plist by section, such as
\(:completion (:model \"/models/lite\") :log_level \"debug\")."
  :type 'plist)

(defcustom midspan-delay 0.1
  "Seconds without a key until grey text is asked for."
  :type 'number)

(defface midspan-grey '((t :inherit shadow))
  "What the grey text looks like.")

(defclass midspan-server (eglot-lsp-server) ()
  "Eglot's connection to Midspan.")

(defun midspan-contact (&optional _interactive)
  "The entry in `eglot-server-programs' of the modes that Midspan serves."
  (cons 'midspan-server midspan-command))

(cl-defmethod eglot-initialization-options ((_server midspan-server))
  "What `midspan-settings' says."
  (or midspan-settings eglot--{}))

(cl-defmethod eglot-client-capabilities ((_server midspan-server))
  "Eglot's, and inline completion."
  (let ((capabilities (cl-call-next-method)))
    (plist-put capabilities :textDocument
               (plist-put (plist-get capabilities :textDocument)
                          :inlineCompletion '(:dynamicRegistration :json-false)))))

;; TEXT stands for what is between BEG and END; its beginning may have been typed.
(cl-defstruct (midspan--item (:constructor midspan--make-item))
  text beg end command)

(defvar-local midspan--item nil "The item that is shown, or nil.")
(defvar-local midspan--overlay nil "Where the grey text hangs.")
(defvar-local midspan--timer nil "Runs until the next request.")
(defvar-local midspan--pending nil "The id of the request without an answer, or nil.")
(defvar-local midspan--tick nil "The buffer's tick after the last command.")

(defun midspan--rest ()
  "What is left of the item at point, or nil when it does not fit there any more."
  (when-let* ((item midspan--item)
              (text (midspan--item-text item))
              (beg (midspan--item-beg item)))
    (when (<= beg (point) (midspan--item-end item))
      (let ((typed (buffer-substring-no-properties beg (point))))
        (and (string-prefix-p typed text)
             (not (string= typed text))
             (substring text (length typed)))))))

(defun midspan--draw (rest)
  "Show REST at point in grey."
  (unless midspan--overlay
    (setq midspan--overlay (make-overlay (point) (point) nil t t)))
  (move-overlay midspan--overlay (point) (point))
  (let ((grey (propertize rest 'face 'midspan-grey)))
    (put-text-property 0 1 'cursor t grey)  ; so that the cursor stays before it
    (overlay-put midspan--overlay 'after-string grey)))

(defun midspan-dismiss ()
  "Take the grey text away."
  (interactive)
  (when midspan--overlay
    (delete-overlay midspan--overlay)
    (setq midspan--overlay nil))
  (when midspan--item
    (set-marker (midspan--item-beg midspan--item) nil)
    (set-marker (midspan--item-end midspan--item) nil)
    (setq midspan--item nil)))

(defun midspan--cancel ()
  "End the timer, and the request that has no answer yet."
  (when midspan--timer
    (cancel-timer midspan--timer)
    (setq midspan--timer nil))
  (when midspan--pending
    (when-let* ((server (eglot-current-server)))
      (when (jsonrpc-running-p server)
        (jsonrpc-notify server :$/cancelRequest `(:id ,midspan--pending))))
    (setq midspan--pending nil)))

(defun midspan--take (result)
  "Show the first item of RESULT, which answers a request from point."
  (midspan-dismiss)
  (let ((items (if (vectorp result) result (plist-get result :items))))
    (when (cl-plusp (length items))
      (pcase-let* (((map :insertText :range :command) (aref items 0))
                   (`(,beg . ,end) (if range (eglot-range-region range) (cons (point) (point)))))
        (setq midspan--item
              (midspan--make-item :text insertText :command command
                                  :beg (copy-marker beg) :end (copy-marker end t)))
        (if-let* ((rest (midspan--rest))) (midspan--draw rest) (midspan-dismiss))))))

(defun midspan--ask (kind)
  "Ask for the text at point; KIND is 1 for a key of the user's, 2 for typing."
  (midspan--cancel)
  (eglot--signal-textDocument/didChange)  ; eglot would send it half a second later
  (let ((buffer (current-buffer)) (tick (buffer-chars-modified-tick)) (place (point)) id)
    (cl-flet ((answer (result)
                (when (buffer-live-p buffer)
                  (with-current-buffer buffer
                    (when (eql id midspan--pending)
                      (setq midspan--pending nil)
                      ;; A null says that a newer request will be answered: what is shown stays.
                      (when (and result (= tick (buffer-chars-modified-tick)) (= place (point)))
                        (midspan--take result)))))))
      ;; The public function does not tell the id, which a cancel needs.
      (setq id (car (jsonrpc--async-request-1
                     (eglot--current-server-or-lose) :textDocument/inlineCompletion
                     (append (eglot--TextDocumentPositionParams) `(:context (:triggerKind ,kind)))
                     :success-fn #'answer
                     :error-fn (lambda (_error) (answer nil))
                     :timeout-fn (lambda () (answer nil))))
            midspan--pending id))))

(defun midspan-complete ()
  "Ask for grey text now, of several lines and in mid-line too."
  (interactive)
  (midspan--ask 1))

(defun midspan--ask-later ()
  "Ask when no key has been hit for a moment."
  (let ((buffer (current-buffer)))
    (setq midspan--timer
          (run-with-timer midspan-delay nil
                          (lambda ()
                            (when (buffer-live-p buffer)
                              (with-current-buffer buffer
                                (setq midspan--timer nil)
                                (when (and (eglot-managed-p)
                                           (eq buffer (window-buffer (selected-window))))
                                  (midspan--ask 2)))))))))

(defun midspan--after-command ()
  "Keep the grey text when it was typed on, and ask anew after a change."
  (let ((tick (buffer-chars-modified-tick)) (rest (midspan--rest)))
    (if rest (midspan--draw rest) (midspan-dismiss))
    (unless (eql tick midspan--tick)
      (setq midspan--tick tick)
      (midspan--cancel)
      (unless buffer-read-only
        (midspan--ask-later)))))

(defun midspan-accept ()
  "Put the grey text into the buffer."
  (interactive)
  (when-let* ((item midspan--item) (rest (midspan--rest)))
    (goto-char (midspan--item-end item))
    (delete-region (midspan--item-beg item) (point))
    (insert (midspan--item-text item))
    (when-let* ((command (midspan--item-command item)))
      (jsonrpc-async-request (eglot--current-server-or-lose) :workspace/executeCommand
                             `( :command ,(plist-get command :command)
                                :arguments ,(plist-get command :arguments))
                             :success-fn #'ignore :error-fn #'ignore))
    (midspan-dismiss)))

(defun midspan--when-shown (command)
  "COMMAND where there is grey text and no list of completions, else nil."
  (and (midspan--rest) (not completion-in-region-mode) command))

(defvar midspan-mode-map
  (let ((map (make-sparse-keymap)) (accept '(menu-item "" midspan-accept :filter midspan--when-shown)))
    (define-key map (kbd "TAB") accept)
    (define-key map [tab] accept)
    (define-key map [remap keyboard-quit] '(menu-item "" midspan-dismiss :filter midspan--when-shown))
    map)
  "TAB accepts the grey text, C-g takes it away, while there is some.")

;;;###autoload
(define-minor-mode midspan-mode
  "Grey text at point from the buffer's eglot server."
  :lighter " Midspan"
  (if midspan-mode
      (progn
        (setq midspan--tick (buffer-chars-modified-tick))
        (add-hook 'post-command-hook #'midspan--after-command nil t))
    (remove-hook 'post-command-hook #'midspan--after-command t)
    (midspan--cancel)
    (midspan-dismiss)))

(defun midspan--follow-eglot ()
  "Switch the mode on and off with a Midspan server of the buffer."
  (if (and (eglot-managed-p) (cl-typep (eglot-current-server) 'midspan-server))
      (midspan-mode 1)
    (when midspan-mode (midspan-mode -1))))

(add-hook 'eglot-managed-mode-hook #'midspan--follow-eglot)

(provide 'midspan)
;;; midspan.el ends here
