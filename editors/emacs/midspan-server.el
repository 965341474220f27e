;;; midspan-server.el --- Midspan's server, over eglot  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Eglot starts the server and keeps its documents.  This file adds the
;; capabilities of the client, and requests that do not block, that stream
;; their answers, and that can be stopped.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'midspan-options)

(defclass midspan-server (eglot-lsp-server)
  ((status :initform nil :accessor midspan-server-status
           :documentation "The last parameters of midspan/statusChanged.")
   (listeners :initform (make-hash-table :test #'equal) :accessor midspan-server-listeners
              :documentation "By token: a function that gets each value of its progress.")
   (has-warned :initform nil :accessor midspan-server-has-warned
               :documentation "Whether the user knows that a folder's settings are ignored."))
  :documentation "Eglot's connection to Midspan.")

(defun midspan-contact (&optional _interactive)
  "Return the entry of Midspan in `eglot-server-programs'."
  (cons 'midspan-server midspan-command))

(cl-defmethod eglot-initialization-options ((_server midspan-server))
  "Give the server `midspan-settings', but no value that a folder has set."
  (or (default-value 'midspan-settings) (make-hash-table)))

(defun midspan--section (configuration server)
  "Return Midspan's settings in CONFIGURATION.
That is a value of `eglot-workspace-configuration' for SERVER."
  (let ((all (if (functionp configuration) (funcall configuration server) configuration)))
    (if (consp (car-safe all))
        (or (alist-get :midspan all) (alist-get 'midspan all))
      (plist-get all :midspan))))

(defun midspan--warn-of-folder (server)
  "Tell the user once that SERVER is not given the settings of a folder."
  (unless (midspan-server-has-warned server)
    (setf (midspan-server-has-warned server) t)
    (display-warning
     'midspan
     (concat "This folder sets :midspan in `eglot-workspace-configuration'.  Midspan ignores that, "
             "because a folder may not choose where your code is sent.  "
             "Put settings that are yours into `midspan-settings' in your init file."))))

(cl-defmethod jsonrpc-connection-send :around ((server midspan-server) &rest message)
  "Send MESSAGE to SERVER, of a configuration only the settings of the user.
Emacs takes `eglot-workspace-configuration' from a folder without a question."
  (if (not (eq (plist-get message :method) :workspace/didChangeConfiguration))
      (cl-call-next-method)
    (let* ((settings (plist-get (plist-get message :params) :settings))
           (section (and (listp settings) (plist-get settings :midspan)))
           (own (midspan--section (default-value 'eglot-workspace-configuration) server)))
      (unless (equal section own)
        (midspan--warn-of-folder server))
      (when own
        (cl-call-next-method server :method :workspace/didChangeConfiguration
                             :params (list :settings (list :midspan own)))))))

(defun midspan--with (plist path value)
  "Return PLIST with VALUE at PATH, a list of keys."
  (let ((inner (plist-get plist (car path))))
    (plist-put (and (listp plist) (copy-sequence plist)) (car path)
               (if (cdr path) (midspan--with (and (listp inner) inner) (cdr path) value) value))))

(cl-defmethod eglot-client-capabilities ((_server midspan-server))
  "Return eglot's capabilities, and those that Midspan needs."
  (let ((capabilities (cl-call-next-method)))
    (setq capabilities (plist-put capabilities :experimental nil))
    (pcase-dolist (`(,path ,value)
                   '(((:textDocument :inlineCompletion) (:dynamicRegistration :json-false))
                     ((:textDocument :codeAction :disabledSupport) t)
                     ((:experimental :midspan :status) t)
                     ((:experimental :midspan :userSettings) t)))
      (setq capabilities (midspan--with capabilities path value)))
    capabilities))

(cl-defmethod eglot-handle-notification
  ((server midspan-server) (_method (eql $/progress)) &key token value)
  "Give VALUE, a piece of an answer of SERVER, to the listener of TOKEN."
  (if-let* ((listener (gethash token (midspan-server-listeners server))))
      (funcall listener value)
    (cl-call-next-method)))

(defun midspan-servers ()
  "Return all live servers of Midspan."
  (let (found)
    (maphash (lambda (_project servers)
               (dolist (server servers)
                 (when (and (cl-typep server 'midspan-server) (jsonrpc-running-p server))
                   (push server found))))
             eglot--servers-by-project)
    found))

(defvar-local midspan--server nil "The server of a page, which has no file.")

(defun midspan-server-here ()
  "Return the server of this buffer, or nil."
  (let ((server (or midspan--server (and (eglot-managed-p) (eglot-current-server)))))
    (and (cl-typep server 'midspan-server) (jsonrpc-running-p server) server)))

(defun midspan-server-or-lose ()
  "Return the server of this buffer, or another live one, or signal an error."
  (or (midspan-server-here)
      (car (midspan-servers))
      (user-error "Midspan does not run here; start it with M-x eglot in a file of one of `midspan-modes'")))

(defun midspan-send (server method params on-end)
  "Send SERVER the request METHOD with PARAMS, without waiting.
ON-END is called once, with an error (or nil) and the result.  The value
is a function that cancels the request."
  (let (ended id)
    (cl-flet ((end (failure result)
                (unless ended
                  (setq ended t)
                  (funcall on-end failure result))))
      ;; The public function does not return the id, which a cancel needs.
      (setq id (car (jsonrpc--async-request-1
                     server method params
                     :success-fn (lambda (result) (end nil result))
                     :error-fn (lambda (failure)
                                 (eglot-clear-status server)  ; else its mode line says "error"
                                 (end failure nil))
                     :timeout nil)))
      (lambda ()
        (unless ended
          (when (jsonrpc-running-p server)
            (jsonrpc-notify server :$/cancelRequest (list :id id)))
          ;; End at once: the answer of the server may come late or never.
          (end '(:code -32800 :message "Stopped.") nil))))))

(defvar midspan--last-token 0 "The number of the last streamed answer.")

(defun midspan-stream (server method params on-piece on-end &optional on-progress)
  "As `midspan-send', and ON-PIECE is called with each piece of the answer.
ON-PROGRESS, if there is one, is called with what SERVER does until then, in
words.  METHOD, PARAMS, ON-END and the value are as there."
  (let* ((token (format "midspan-%d" (cl-incf midspan--last-token)))
         (work (concat token "-work"))
         (listeners (midspan-server-listeners server)))
    (puthash token (lambda (value) (funcall on-piece (or (plist-get value :text) ""))) listeners)
    (when on-progress
      (puthash work (lambda (value) (funcall on-progress (or (plist-get value :message) ""))) listeners))
    (midspan-send server method
                  (append params (list :partialResultToken token) (and on-progress (list :workDoneToken work)))
                  (lambda (failure result)
                    (remhash token listeners)
                    (remhash work listeners)
                    (funcall on-end failure result)))))

(defun midspan-run-command (server command &rest arguments)
  "Have SERVER run COMMAND with ARGUMENTS, without waiting."
  (midspan-send server :workspace/executeCommand
                (list :command command :arguments (vconcat arguments))
                #'ignore))

(defun midspan-show-failure (failure)
  "Show the message of FAILURE, a JSON-RPC error."
  (message "Midspan: %s" (plist-get failure :message)))

(defun midspan--path (uri)
  "Return the path of URI, a string or a keyword."
  (if (fboundp 'eglot-uri-to-path)
      (eglot-uri-to-path uri)
    (with-no-warnings (eglot--uri-to-path uri))))

(defun midspan-region (range)
  "Return the beginning and end of RANGE, of the protocol, in this buffer."
  (cons (eglot--lsp-position-to-point (plist-get range :start))
        (eglot--lsp-position-to-point (plist-get range :end))))

(defun midspan-range (beg end)
  "Return the region from BEG to END as a range of the protocol."
  (list :start (eglot--pos-to-lsp-position beg) :end (eglot--pos-to-lsp-position end)))

(provide 'midspan-server)
;;; midspan-server.el ends here
