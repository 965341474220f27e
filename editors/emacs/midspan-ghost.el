;;; midspan-ghost.el --- Ghost text at point  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Asks the server for ghost text at point, shows the ghost text with an
;; overlay, and accepts it, whole or in part.  The overlay is checked before
;; each redisplay, so that ghost text never stands beside text that it does
;; not fit.

;;; Code:

(require 'cl-lib)
(require 'midspan-pieces)
(require 'midspan-server)
(require 'midspan-switch)

(defvar company-candidates)
(defvar midspan-mode)

;; TEXT replaces the text between BEG and END, which may be its beginning as typed.
(cl-defstruct (midspan--item (:constructor midspan--make-item))
  text beg end command)

(defvar midspan-ghost-hook nil "Runs in a buffer when its ghost text was answered or dismissed.")

(defvar-local midspan--items nil "The candidates at point, a list, or nil.")
(defvar-local midspan--index 0 "The index of the candidate that is shown.")
(defvar-local midspan--overlay nil "The overlay that shows the ghost text, or nil.")
(defvar-local midspan--keys nil "Non-nil while the keys of ghost text are active.")
(defvar-local midspan--timer nil "The timer of the next request, or nil.")
(defvar-local midspan--pending nil "A list with a function that cancels the pending request, or nil.")
(defvar-local midspan--tick nil "The buffer's tick after the last command.")

(defun midspan--menu-p ()
  "Return non-nil while a menu of completions is open: company, corfu or Emacs."
  (or completion-in-region-mode (bound-and-true-p company-candidates)))

(defun midspan--rest-of-item (item)
  "Return the rest of ITEM at point, or nil when ITEM does not fit the text."
  (let ((beg (midspan--item-beg item)) (end (midspan--item-end item)))
    (when (<= beg (point) end)
      (midspan-rest-of (midspan--item-text item) (buffer-substring-no-properties beg (point))))))

(defun midspan--rest ()
  "Return the rest of the candidate that is shown, or of the next one that fits.
Return nil where nothing can be inserted."
  (unless buffer-read-only
    (cl-loop for turn below (length midspan--items)
             for index = (mod (+ midspan--index turn) (length midspan--items))
             for rest = (midspan--rest-of-item (nth index midspan--items))
             when rest do (setq midspan--index index) and return rest)))

(defun midspan--item ()
  "Return the candidate that is shown."
  (nth midspan--index midspan--items))

(defun midspan--draw (rest)
  "Show REST as ghost text at point."
  (unless midspan--overlay
    (setq midspan--overlay (make-overlay (point) (point) nil t t)))
  (move-overlay midspan--overlay (point) (point))
  (let* ((tail (buffer-substring-no-properties (point) (midspan--item-end (midspan--item))))
         (count (length midspan--items))
         (number (if (> count 1) (format " (%d/%d)" (1+ midspan--index) count) ""))
         (ghost (propertize (concat (midspan-before-tail rest tail) number) 'face 'midspan-ghost-text)))
    ;; Keeps the cursor before the ghost text, of which nothing is left where all of it is behind point already.
    (put-text-property 0 (min 1 (length ghost)) 'cursor t ghost)
    (overlay-put midspan--overlay 'after-string ghost)))

(defun midspan--hide ()
  "Remove the overlay."
  (when midspan--overlay
    (delete-overlay midspan--overlay)
    (setq midspan--overlay nil)))

(defun midspan--refresh ()
  "Show the rest of the ghost text, or drop it when something else was typed."
  (let ((rest (midspan--rest)) (menu (midspan--menu-p)))
    (setq midspan--keys (and rest (not menu)))
    (cond ((null rest) (midspan--forget))
          ((and menu (not midspan-beside-menus)) (midspan--hide))
          (t (midspan--draw rest)))))

(defun midspan--before-redisplay (window)
  "Refresh the ghost text of WINDOW before WINDOW is drawn."
  (when (and midspan--items (eq window (selected-window)))
    (midspan--refresh)))

(defun midspan--before-change (beg end)
  "Drop the ghost text before a change of BEG to END beside its candidates.
Their markers move with the text around them, and cannot tell such a change."
  (when (cl-some (lambda (item) (or (< beg (midspan--item-beg item)) (> end (midspan--item-end item))))
                 midspan--items)
    (midspan--forget)))

(defun midspan--forget ()
  "Drop the ghost text and its candidates."
  (midspan--hide)
  (setq midspan--keys nil)
  (dolist (item midspan--items)
    (set-marker (midspan--item-beg item) nil)
    (set-marker (midspan--item-end item) nil))
  (setq midspan--items nil))

(defun midspan--cancel ()
  "Cancel the timer and the pending request."
  (when midspan--timer
    (cancel-timer midspan--timer)
    (setq midspan--timer nil))
  (when midspan--pending
    (when-let* ((cancel (car midspan--pending)))
      (funcall cancel))
    (setq midspan--pending nil)))

(defun midspan--show-result (result)
  "Show the first item of RESULT, the answer to a request from point."
  (midspan--forget)
  (setq midspan--index 0
        midspan--items
        (mapcar (lambda (item)
                  (let* ((range (plist-get item :range))
                         (place (if range (midspan-region range) (cons (point) (point)))))
                    (midspan--make-item :text (plist-get item :insertText) :command (plist-get item :command)
                                        :beg (copy-marker (car place)) :end (copy-marker (cdr place) t))))
                (if (vectorp result) result (plist-get result :items))))
  (midspan--refresh))

(defun midspan--request (kind)
  "Request ghost text at point; KIND is 1 for a key of the user, 2 for typing."
  (midspan--cancel)
  (eglot--signal-textDocument/didChange)  ; eglot would send it half a second later
  (let ((buffer (current-buffer)) (tick (buffer-chars-modified-tick)) (place (point)) (pending (list nil)))
    (setq midspan--pending pending)
    (setcar pending
            (midspan-send
             (midspan-server-or-lose) :textDocument/inlineCompletion
             (append (eglot--TextDocumentPositionParams) `(:context (:triggerKind ,kind)))
             (lambda (_failure result)
               (when (buffer-live-p buffer)
                 (with-current-buffer buffer
                   (when (eq pending midspan--pending)
                     (setq midspan--pending nil)
                     ;; null: the server answers a newer request instead, so the ghost text stays.
                     (when (and result (= tick (buffer-chars-modified-tick)) (= place (point)))
                       (midspan--show-result result)
                       (run-hooks 'midspan-ghost-hook))))))))))

;;;###autoload
(defun midspan-complete ()
  "Request ghost text now: several lines and candidates, in mid-line too."
  (interactive)
  (if (midspan-off-p)
      (message "Midspan is off; turn it on with M-x midspan-toggle or midspan-toggle-language")
    (midspan--request 1)))

(defun midspan--request-later ()
  "Request ghost text after `midspan-delay' seconds without a key."
  (let ((buffer (current-buffer)))
    (setq midspan--timer
          (run-with-timer midspan-delay nil
                          (lambda ()
                            (when (buffer-live-p buffer)
                              (with-current-buffer buffer
                                (setq midspan--timer nil)
                                (midspan--request-automatically))))))))

(defun midspan--request-automatically ()
  "Request ghost text, unless the buffer is not shown or a menu is open."
  (cond ((not (and (midspan-server-here) (eq (current-buffer) (window-buffer (selected-window))))))
        ((and (midspan--menu-p) (not midspan-beside-menus))
         (setq midspan--tick nil))  ; so that the command that closes the menu requests it
        (t (midspan--request 2))))

(defun midspan--after-command ()
  "Refresh the ghost text, and request it again after a change."
  (when midspan--items
    (midspan--refresh))
  (let ((tick (buffer-chars-modified-tick)))
    (unless (eql tick midspan--tick)
      (setq midspan--tick tick)
      (midspan--cancel)
      (when (and midspan-automatic (not buffer-read-only) (not executing-kbd-macro) (not (midspan-off-p)))
        (midspan--request-later)))))

(defun midspan--report-accepted (item &optional characters)
  "Tell the server that ITEM was accepted, or so many CHARACTERS of it."
  (when-let* ((command (midspan--item-command item)) (server (midspan-server-here)))
    (eglot--signal-textDocument/didChange)
    (apply #'midspan-run-command server (plist-get command :command)
           (append (plist-get command :arguments) (and characters (list characters))))))

(defun midspan--accept (piece)
  "Insert a part of the ghost text: the value of the function PIECE."
  (when-let* ((rest (midspan--rest)))
    (let* ((item (midspan--item)) (text (midspan--item-text item)) (part (funcall piece rest)))
      (cond ((string= part rest)
             (goto-char (midspan--item-end item))
             (delete-region (midspan--item-beg item) (point))
             (insert text)
             (midspan--report-accepted item)
             (midspan--forget))
            (t
             (insert part)
             (midspan--report-accepted item (- (length text) (length rest) (- (length part))))
             (midspan--refresh))))))

(defun midspan-accept ()
  "Accept the ghost text."
  (interactive)
  (midspan--accept #'identity))

(defun midspan-accept-word ()
  "Accept the next word of the ghost text."
  (interactive)
  (midspan--accept #'midspan-first-word))

(defun midspan-accept-line ()
  "Accept the next line of the ghost text."
  (interactive)
  (midspan--accept #'midspan-first-line))

(defun midspan-next (&optional count)
  "Show the next candidate, or skip COUNT candidates ahead."
  (interactive "p")
  (when (midspan--rest)
    (setq midspan--index (mod (+ midspan--index (or count 1)) (length midspan--items)))
    (midspan--refresh)))

(defun midspan-previous (&optional count)
  "Show the previous candidate, or skip COUNT candidates back."
  (interactive "p")
  (midspan-next (- (or count 1))))

(defun midspan-dismiss ()
  "Dismiss the ghost text."
  (interactive)
  (midspan--cancel)
  (midspan--forget)
  (run-hooks 'midspan-ghost-hook))

(defvar-keymap midspan-ghost-map
  :doc "Keys that are active while ghost text is shown and no menu is open."
  "TAB" #'midspan-accept
  "<tab>" #'midspan-accept
  "<remap> <forward-word>" #'midspan-accept-word
  "<remap> <right-word>" #'midspan-accept-word
  "<remap> <move-end-of-line>" #'midspan-accept-line
  "M-n" #'midspan-next
  "M-p" #'midspan-previous
  "<remap> <keyboard-quit>" #'midspan-dismiss)

(defvar midspan--key-alist (list (cons 'midspan--keys midspan-ghost-map))
  "Puts `midspan-ghost-map' above the keys of other minor modes.")

(defun midspan--menu-changed (&rest _)
  "Give the keys to a menu that opens, and take them back when it closes.
Company places its menu right after this, by where point is on the screen."
  (when midspan--items
    (midspan--refresh)))

(defun midspan-ghost-switched ()
  "Dismiss the ghost text in a buffer where Midspan is off."
  (when (midspan-off-p)
    (midspan-dismiss)))

(defun midspan-ghost-start ()
  "Show ghost text in this buffer."
  (setq midspan--tick (buffer-chars-modified-tick))
  (add-to-list 'emulation-mode-map-alists 'midspan--key-alist)
  (add-hook 'post-command-hook #'midspan--after-command nil t)
  (add-hook 'before-change-functions #'midspan--before-change nil t)
  (add-hook 'pre-redisplay-functions #'midspan--before-redisplay nil t)
  (add-hook 'completion-in-region-mode-hook #'midspan--menu-changed nil t)
  (add-hook 'company-completion-started-hook #'midspan--menu-changed nil t)
  (add-hook 'company-after-completion-hook #'midspan--menu-changed nil t)
  (add-hook 'midspan-switch-hook #'midspan-ghost-switched nil t)
  (add-hook 'kill-buffer-hook #'midspan-dismiss nil t))

(defun midspan-ghost-stop ()
  "Stop showing ghost text in this buffer."
  (remove-hook 'post-command-hook #'midspan--after-command t)
  (remove-hook 'before-change-functions #'midspan--before-change t)
  (remove-hook 'pre-redisplay-functions #'midspan--before-redisplay t)
  (remove-hook 'completion-in-region-mode-hook #'midspan--menu-changed t)
  (remove-hook 'company-completion-started-hook #'midspan--menu-changed t)
  (remove-hook 'company-after-completion-hook #'midspan--menu-changed t)
  (remove-hook 'midspan-switch-hook #'midspan-ghost-switched t)
  (remove-hook 'kill-buffer-hook #'midspan-dismiss t)
  (midspan-dismiss))

(provide 'midspan-ghost)
;;; midspan-ghost.el ends here
