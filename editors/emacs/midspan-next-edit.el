;;; midspan-next-edit.el --- Next edits  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; After an edit, asks the server for the next place that has to change and
;; shows it.  TAB jumps there, and TAB accepts; ghost text goes first.

;;; Code:

(require 'flymake)
(require 'midspan-edit-view)
(require 'midspan-ghost)

(defconst midspan-next-edit-beside-lines 5
  "A move of point this close to the last change asks too.")

(defvar midspan-mode)

;; EDIT is the server's, CHANGE is what it was when it came, IS-REPORTED: SERVER knows that the user sees it.
(cl-defstruct (midspan-offer (:constructor midspan--make-offer))
  server edit change is-reported)

(defvar midspan--offer nil "The next edit that is offered, or nil.")
(defvar midspan--edit-pending nil "A list with a function that cancels the pending request, or nil.")
(defvar midspan--edit-timer nil "The timer of the next request, or nil.")
(defvar midspan--edit-where "" "The place of a next edit out of sight, for the mode line.")
(defvar-local midspan--edit-keys nil "Non-nil while the keys of a next edit are active.")
(defvar-local midspan--edit-tick nil "The buffer's tick after the last command.")
(defvar-local midspan--edit-changed nil "A marker at the last change by the user, or nil.")
(defvar-local midspan--edit-focused nil "Non-nil while the server knows that the user is here.")

(defun midspan--edit-server ()
  "Return the server of this buffer if it knows next edits, or nil."
  (when-let* ((server (midspan-server-here)))
    (and (plist-get (plist-get (plist-get (eglot--capabilities server) :experimental) :midspan) :nextEdit)
         server)))

(defun midspan--edit-change ()
  "Return the change to show in this buffer now, or nil."
  (when (and midspan--offer midspan-mode (null midspan--items) (not (midspan--menu-p))
             (not (midspan-off-p)) (not (region-active-p)))
    (let* ((before (midspan-offer-change midspan--offer)) (edit (midspan-offer-edit midspan--offer))
           ;; Only the text of a buffer may have changed since.
           (change (if (find-buffer-visiting (midspan-edit-file edit)) (midspan-edit-change edit) before)))
      (and change (equal (midspan-change-olds change) (midspan-change-olds before)) change))))

(defun midspan--edit-place (change)
  "Return where CHANGE stands: `here', `shown', `above', `below' or `elsewhere'."
  (let ((row (midspan-change-row change)) (line (line-number-at-pos nil t)))
    (cond ((not (eq (midspan-change-buffer change) (current-buffer))) 'elsewhere)
          ((<= row line (max row (+ (midspan-change-line change) (length (midspan-change-olds change)) -1))) 'here)
          ((pos-visible-in-window-p (midspan-edit-view--at row)) 'shown)
          ((< row line) 'above)
          (t 'below))))

(defun midspan--edit-draw (change place)
  "Draw CHANGE, which stands at PLACE; return its place in words if out of sight."
  (let* ((edit (midspan-offer-edit midspan--offer)) (row (midspan-change-row change))
         (where (pcase place
                  ('elsewhere (format "→ %s:%d" (file-name-nondirectory (midspan-edit-file edit)) row))
                  ('above (format "↑ line %d" row))
                  ('below (format "↓ line %d" row)))))
    (if where
        (midspan-edit-view-place (format "%s   %s   TAB to jump" where (midspan-change-summary change)))
      (midspan-edit-view-diff
       change (concat (if (eq place 'here) "TAB to accept" "TAB to jump")
                      (if-let* ((why (plist-get edit :why))) (concat " · " why) ""))))
    (or where "")))

(defun midspan--edit-refresh ()
  "Show the next edit as it stands beside point now, or remove it."
  (midspan-edit-view-clear)
  (let ((change (midspan--edit-change)) (before midspan--edit-where))
    (setq midspan--edit-keys (and change t)
          midspan--edit-where (if change (midspan--edit-draw change (midspan--edit-place change)) ""))
    (when (and change (not (midspan-offer-is-reported midspan--offer)))
      (setf (midspan-offer-is-reported midspan--offer) t)
      (jsonrpc-notify (midspan-offer-server midspan--offer) :textDocument/didShowInlineEdit
                      (list :item (midspan-offer-edit midspan--offer))))
    (unless (equal before midspan--edit-where)
      (force-mode-line-update))))

(defun midspan--edit-cancel ()
  "Cancel the timer and the pending request."
  (when midspan--edit-timer
    (cancel-timer midspan--edit-timer)
    (setq midspan--edit-timer nil))
  (when midspan--edit-pending
    (let ((cancel (car midspan--edit-pending)))
      (setq midspan--edit-pending nil)
      (when cancel (funcall cancel)))))

(defun midspan--edit-forget ()
  "Drop the next edit and the pending request."
  (midspan--edit-cancel)
  (setq midspan--offer nil)
  (midspan--edit-refresh))

(defun midspan--edit-take (server edits)
  "Offer the first of EDITS of SERVER that fits the present texts."
  (cl-loop for edit across edits
           for change = (midspan-edit-change edit)
           when change do (setq midspan--offer (midspan--make-offer :server server :edit edit
                                                                    :change change))
           and return nil)
  (midspan--edit-refresh))

(defun midspan--edit-diagnostics ()
  "Return Flymake's diagnostics near point, for the server."
  (let* ((lines (* 2 midspan-next-edit-beside-lines))
         (beg (line-beginning-position (- 1 lines))) (end (line-end-position (1+ lines))))
    (vconcat (and flymake-mode
                  (mapcar (lambda (found)
                            (list :range (midspan-range (flymake-diagnostic-beg found) (flymake-diagnostic-end found))
                                  :message (flymake-diagnostic-text found)))
                          (flymake-diagnostics beg end))))))

(defun midspan--edit-request (kind)
  "Request next edits at point; KIND is 1 for a key of the user, else 2."
  (midspan--edit-cancel)
  (when-let* ((server (midspan--edit-server)))
    (unless (midspan-off-p)
      (eglot--signal-textDocument/didChange)
      (let ((buffer (current-buffer)) (pending (list nil)))
        (setq midspan--edit-pending pending)
        (setcar pending
                (midspan-send
                 server :midspan/nextEdit
                 (list :textDocument (eglot--VersionedTextDocumentIdentifier)
                       :position (eglot--pos-to-lsp-position)
                       :context (list :triggerKind kind :diagnostics (midspan--edit-diagnostics)))
                 (lambda (_failure result)
                   (when (eq pending midspan--edit-pending)
                     (setq midspan--edit-pending nil)
                     (when (and result (eq buffer (window-buffer (selected-window))))
                       (with-current-buffer buffer
                         (midspan--edit-take server (plist-get result :edits))))))))))))

(defun midspan--edit-request-later ()
  "Request next edits after `midspan-delay' seconds without a key."
  (midspan--edit-cancel)
  (let ((buffer (current-buffer)))
    (setq midspan--edit-timer
          (run-with-timer midspan-delay nil
                          (lambda ()
                            (setq midspan--edit-timer nil)
                            (when (eq buffer (window-buffer (selected-window)))
                              (with-current-buffer buffer (midspan--edit-request 2))))))))

(defun midspan--edit-beside-p ()
  "Return non-nil if point is in another line beside the last change."
  (when-let* ((place (and midspan--edit-changed (marker-position midspan--edit-changed))))
    (<= 1 (abs (- (line-number-at-pos place) (line-number-at-pos))) midspan-next-edit-beside-lines)))

(defun midspan--edit-focus ()
  "Tell the server that the user has turned to this buffer."
  (when-let* ((server (and (not midspan--edit-focused) (midspan--edit-server))))
    (dolist (buffer (buffer-list))
      (setf (buffer-local-value 'midspan--edit-focused buffer) nil))
    (setq midspan--edit-focused t)
    (jsonrpc-notify server :textDocument/didFocus (list :textDocument (eglot--TextDocumentIdentifier)))))

(defun midspan--edit-after-command ()
  "Follow the buffer's text and point after each command."
  (midspan--edit-focus)
  (let ((tick (buffer-chars-modified-tick)))
    (cond ((not (eql tick midspan--edit-tick))
           (setq midspan--edit-tick tick midspan--edit-changed (copy-marker (point)))
           (midspan--edit-forget)
           (unless (or buffer-read-only executing-kbd-macro)
             (midspan--edit-request-later)))
          (t
           (midspan--edit-refresh)
           (when (and (null midspan--offer) (null midspan--edit-pending) (midspan--edit-beside-p))
             (midspan--edit-request-later))))))

(defun midspan--edit-after-ghost ()
  "Follow the ghost text, which was answered or dismissed."
  (midspan--edit-refresh)
  (when (and midspan--edit-changed (null midspan--offer) (null midspan--items))
    (midspan--edit-request-later)))

;; Flymake has no hook for this, and the diagnostics may come from any of its checkers.
(defun midspan--edit-after-report (&rest _)
  "Ask anew after a checker has reported something beside point to Flymake."
  (when (and midspan-mode midspan--edit-changed (null midspan--items)
             (not (or midspan--offer midspan--edit-pending midspan--edit-timer))
             (eq (current-buffer) (window-buffer (selected-window)))
             (not (seq-empty-p (midspan--edit-diagnostics))))
    (midspan--edit-request-later)))

(defun midspan--edit-after-scroll (window _start)
  "Show the next edit anew after the text of WINDOW was scrolled."
  (when (and midspan--offer (eq window (selected-window)))
    (run-with-timer 0 nil (lambda ()
                            (when (window-live-p window)
                              (with-current-buffer (window-buffer window)
                                (when midspan-mode (midspan--edit-refresh))))))))

(defun midspan--edit-report (offer command)
  "Tell the server of OFFER what became of its edit, by COMMAND."
  (let ((arguments (plist-get (plist-get (midspan-offer-edit offer) :command) :arguments)))
    (apply #'midspan-run-command (midspan-offer-server offer) command (append arguments nil))))

(defun midspan--edit-jump (change)
  "Move point to CHANGE, the offered one, in its file."
  (push-mark nil t)
  (find-file (midspan-edit-file (midspan-offer-edit midspan--offer)))
  (widen)
  (goto-char (midspan-edit-view--at (midspan-change-row change)))
  (when-let* ((part (midspan-change-first-part change)))
    (forward-char (midspan-part-start part)))
  (midspan--edit-refresh))

(defun midspan--edit-accept ()
  "Make the offered edit in this buffer, and ask for the next."
  (let* ((offer midspan--offer) (edit (midspan-offer-edit offer))
         (place (midspan-region (plist-get edit :range))))
    (setq midspan--offer nil)
    (goto-char (cdr place))
    (delete-region (car place) (point))
    (insert (string-replace "\r\n" "\n" (plist-get edit :text)))
    (setq midspan--edit-tick (buffer-chars-modified-tick)
          midspan--tick midspan--edit-tick)  ; no ghost text between one edit and the next
    (eglot--signal-textDocument/didChange)
    (midspan--edit-report offer (plist-get (plist-get edit :command) :command))
    (midspan--edit-request 2)))

(defun midspan-next-edit ()
  "Jump to the next edit, or accept it when point is there."
  (interactive)
  (when-let* ((change (midspan--edit-change)))
    (if (eq (midspan--edit-place change) 'here)
        (midspan--edit-accept)
      (midspan--edit-jump change))))

(defun midspan-dismiss-edit ()
  "Dismiss the next edit."
  (interactive)
  (when midspan--offer
    (midspan--edit-report midspan--offer "midspan.dismissNextEdit"))
  (midspan--edit-forget))

;;;###autoload
(defun midspan-ask-edit ()
  "Ask for next edits now."
  (interactive)
  (if (midspan-off-p)
      (message "Midspan is off; turn it on with M-x midspan-toggle or midspan-toggle-language")
    (midspan--edit-request 1)))

(defvar-keymap midspan-next-edit-map
  :doc "Keys that are active while a next edit is shown."
  "TAB" #'midspan-next-edit
  "<tab>" #'midspan-next-edit
  "<escape>" #'midspan-dismiss-edit
  "<remap> <keyboard-quit>" #'midspan-dismiss-edit)

(defvar midspan--edit-key-alist (list (cons 'midspan--edit-keys midspan-next-edit-map))
  "Puts `midspan-next-edit-map' above the keys of other minor modes.")

(defun midspan-next-edit-start ()
  "Show next edits in this buffer."
  (setq midspan--edit-tick (buffer-chars-modified-tick))
  (add-to-list 'emulation-mode-map-alists 'midspan--edit-key-alist t)
  (advice-add 'flymake--handle-report :after #'midspan--edit-after-report)
  (add-hook 'post-command-hook #'midspan--edit-after-command 90 t)  ; after that of ghost text
  (add-hook 'midspan-ghost-hook #'midspan--edit-after-ghost nil t)
  (add-hook 'midspan-switch-hook #'midspan--edit-refresh 90 t)
  (add-hook 'window-scroll-functions #'midspan--edit-after-scroll nil t)
  (add-hook 'kill-buffer-hook #'midspan--edit-forget nil t))

(defun midspan-next-edit-stop ()
  "Stop showing next edits in this buffer."
  (remove-hook 'post-command-hook #'midspan--edit-after-command t)
  (remove-hook 'midspan-ghost-hook #'midspan--edit-after-ghost t)
  (remove-hook 'midspan-switch-hook #'midspan--edit-refresh t)
  (remove-hook 'window-scroll-functions #'midspan--edit-after-scroll t)
  (remove-hook 'kill-buffer-hook #'midspan--edit-forget t)
  (midspan--edit-forget))

(provide 'midspan-next-edit)
;;; midspan-next-edit.el ends here
