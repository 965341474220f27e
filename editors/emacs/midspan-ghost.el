;;; midspan-ghost.el --- Ghost text at point  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Asks for text at point, shows it by an overlay, and accepts it, whole or in
;; part.  What is shown is looked at again before each redisplay, so that it
;; never stands beside a text that it was not made for.

;;; Code:

(require 'cl-lib)
(require 'midspan-pieces)
(require 'midspan-server)
(require 'midspan-switch)

(defvar company-candidates)
(defvar midspan-mode)

;; TEXT stands for what is between BEG and END; its beginning may have been typed.
(cl-defstruct (midspan--item (:constructor midspan--make-item))
  text beg end command)

(defvar-local midspan--items nil "The candidates at point, a list, or nil.")
(defvar-local midspan--index 0 "Which of them is shown.")
(defvar-local midspan--overlay nil "Where the ghost text hangs.")
(defvar-local midspan--keys nil "Whether the keys of ghost text hold.")
(defvar-local midspan--timer nil "Runs until the next request.")
(defvar-local midspan--asked nil "A list with what ends the request that has no answer yet, or nil.")
(defvar-local midspan--tick nil "The buffer's tick after the last command.")

(defun midspan--menu-p ()
  "Whether a menu of completions is open: of company, corfu or Emacs."
  (or completion-in-region-mode (bound-and-true-p company-candidates)))

(defun midspan--rest-of-item (item)
  "What is left of ITEM at point, or nil when it does not fit there any more."
  (let ((beg (midspan--item-beg item)) (end (midspan--item-end item)))
    (when (<= beg (point) end)
      (midspan-rest-of (midspan--item-text item) (buffer-substring-no-properties beg (point))))))

(defun midspan--rest ()
  "What is left of the candidate that is shown, or of the next one that fits."
  (cl-loop for turn below (length midspan--items)
           for index = (mod (+ midspan--index turn) (length midspan--items))
           for rest = (midspan--rest-of-item (nth index midspan--items))
           when rest do (setq midspan--index index) and return rest))

(defun midspan--item ()
  "The candidate that is shown."
  (nth midspan--index midspan--items))

(defun midspan--draw (rest)
  "Show REST at point in grey."
  (unless midspan--overlay
    (setq midspan--overlay (make-overlay (point) (point) nil t t)))
  (move-overlay midspan--overlay (point) (point))
  (let* ((tail (buffer-substring-no-properties (point) (midspan--item-end (midspan--item))))
         (count (length midspan--items))
         (number (if (> count 1) (format " (%d/%d)" (1+ midspan--index) count) ""))
         (grey (propertize (concat (midspan-before-tail rest tail) number) 'face 'midspan-grey)))
    (put-text-property 0 1 'cursor t grey)  ; so that the cursor stays before it
    (overlay-put midspan--overlay 'after-string grey)))

(defun midspan--hide ()
  "Show nothing."
  (when midspan--overlay
    (delete-overlay midspan--overlay)
    (setq midspan--overlay nil)))

(defun midspan--refresh ()
  "Show what is left of the ghost text, or nothing when something else was typed."
  (let ((rest (midspan--rest)) (menu (midspan--menu-p)))
    (setq midspan--keys (and rest (not menu)))
    (cond ((null rest) (midspan--forget))
          ((and menu (not midspan-beside-menus)) (midspan--hide))
          (t (midspan--draw rest)))))

(defun midspan--before-redisplay (window)
  "Look again at what is shown in WINDOW, before it is."
  (when (and midspan--items (eq window (selected-window)))
    (midspan--refresh)))

(defun midspan--forget ()
  "Take the ghost text away."
  (midspan--hide)
  (setq midspan--keys nil)
  (dolist (item midspan--items)
    (set-marker (midspan--item-beg item) nil)
    (set-marker (midspan--item-end item) nil))
  (setq midspan--items nil))

(defun midspan--cancel ()
  "End the timer, and the request that has no answer yet."
  (when midspan--timer
    (cancel-timer midspan--timer)
    (setq midspan--timer nil))
  (when midspan--asked
    (when-let* ((end (car midspan--asked)))
      (funcall end))
    (setq midspan--asked nil)))

(defun midspan--take (result)
  "Show the first item of RESULT, which answers a request from point."
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

(defun midspan--ask (kind)
  "Ask for the text at point; KIND is 1 for a key of the user's, 2 for typing."
  (midspan--cancel)
  (eglot--signal-textDocument/didChange)  ; eglot would send it half a second later
  (let ((buffer (current-buffer)) (tick (buffer-chars-modified-tick)) (place (point)) (asked (list nil)))
    (setq midspan--asked asked)
    (setcar asked
            (midspan-send
             (midspan-server-or-lose) :textDocument/inlineCompletion
             (append (eglot--TextDocumentPositionParams) `(:context (:triggerKind ,kind)))
             (lambda (_failure result)
               (when (buffer-live-p buffer)
                 (with-current-buffer buffer
                   (when (eq asked midspan--asked)
                     (setq midspan--asked nil)
                     ;; A null says that a newer request will be answered: what is shown stays.
                     (when (and result (= tick (buffer-chars-modified-tick)) (= place (point)))
                       (midspan--take result))))))))))

;;;###autoload
(defun midspan-complete ()
  "Ask for ghost text now: of several lines, several candidates, in mid-line too."
  (interactive)
  (if (midspan-off-p)
      (message "Midspan is off; M-x midspan-toggle or midspan-toggle-language switches it on")
    (midspan--ask 1)))

(defun midspan--ask-later ()
  "Ask when no key has been hit for a moment."
  (let ((buffer (current-buffer)))
    (setq midspan--timer
          (run-with-timer midspan-delay nil
                          (lambda ()
                            (when (buffer-live-p buffer)
                              (with-current-buffer buffer
                                (setq midspan--timer nil)
                                (midspan--ask-unasked))))))))

(defun midspan--ask-unasked ()
  "Ask, if the user may want it here."
  (cond ((not (and (midspan-server-here) (eq (current-buffer) (window-buffer (selected-window))))))
        ((and (midspan--menu-p) (not midspan-beside-menus))
         (setq midspan--tick nil))  ; after the command that closes the menu
        (t (midspan--ask 2))))

(defun midspan--after-command ()
  "Keep the ghost text when it was typed on, and ask anew after a change."
  (when midspan--items
    (midspan--refresh))
  (let ((tick (buffer-chars-modified-tick)))
    (unless (eql tick midspan--tick)
      (setq midspan--tick tick)
      (midspan--cancel)
      (when (and midspan-automatic (not buffer-read-only) (not executing-kbd-macro) (not (midspan-off-p)))
        (midspan--ask-later)))))

(defun midspan--tell-accepted (item &optional characters)
  "Say that ITEM was accepted, or so many CHARACTERS of it."
  (when-let* ((command (midspan--item-command item)) (server (midspan-server-here)))
    (eglot--signal-textDocument/didChange)
    (apply #'midspan-run-command server (plist-get command :command)
           (append (plist-get command :arguments) (and characters (list characters))))))

(defun midspan--accept (piece)
  "Put into the buffer what the function PIECE gives of the ghost text."
  (when-let* ((rest (midspan--rest)))
    (let* ((item (midspan--item)) (text (midspan--item-text item)) (part (funcall piece rest)))
      (cond ((string= part rest)
             (goto-char (midspan--item-end item))
             (delete-region (midspan--item-beg item) (point))
             (insert text)
             (midspan--tell-accepted item)
             (midspan--forget))
            (t
             (insert part)
             (midspan--tell-accepted item (- (length text) (length rest) (- (length part))))
             (midspan--refresh))))))

(defun midspan-accept ()
  "Put the ghost text into the buffer."
  (interactive)
  (midspan--accept #'identity))

(defun midspan-accept-word ()
  "Put the next word of the ghost text into the buffer."
  (interactive)
  (midspan--accept #'midspan-first-word))

(defun midspan-accept-line ()
  "Put the next line of the ghost text into the buffer."
  (interactive)
  (midspan--accept #'midspan-first-line))

(defun midspan-next (&optional count)
  "Show the next candidate, or the one after COUNT."
  (interactive "p")
  (when (midspan--rest)
    (setq midspan--index (mod (+ midspan--index (or count 1)) (length midspan--items)))
    (midspan--refresh)))

(defun midspan-previous (&optional count)
  "Show the candidate before, or the one before COUNT."
  (interactive "p")
  (midspan-next (- (or count 1))))

(defun midspan-dismiss ()
  "Take the ghost text away."
  (interactive)
  (midspan--cancel)
  (midspan--forget))

(defvar-keymap midspan-ghost-map
  :doc "Keys while there is ghost text and no menu of completions."
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
  "Give the keys to a menu that has opened, or take them again.
Company places its menu right after this, by where point is seen."
  (when midspan--items
    (midspan--refresh)))

(defun midspan-ghost-switched ()
  "Take ghost text away where it has been switched off."
  (when (midspan-off-p)
    (midspan-dismiss)))

(defun midspan-ghost-start ()
  "Show ghost text in this buffer."
  (setq midspan--tick (buffer-chars-modified-tick))
  (add-to-list 'emulation-mode-map-alists 'midspan--key-alist)
  (add-hook 'post-command-hook #'midspan--after-command nil t)
  (add-hook 'pre-redisplay-functions #'midspan--before-redisplay nil t)
  (add-hook 'completion-in-region-mode-hook #'midspan--menu-changed nil t)
  (add-hook 'company-completion-started-hook #'midspan--menu-changed nil t)
  (add-hook 'company-after-completion-hook #'midspan--menu-changed nil t)
  (add-hook 'midspan-switch-hook #'midspan-ghost-switched nil t)
  (add-hook 'kill-buffer-hook #'midspan-dismiss nil t))

(defun midspan-ghost-stop ()
  "Show no ghost text in this buffer any more."
  (remove-hook 'post-command-hook #'midspan--after-command t)
  (remove-hook 'pre-redisplay-functions #'midspan--before-redisplay t)
  (remove-hook 'completion-in-region-mode-hook #'midspan--menu-changed t)
  (remove-hook 'company-completion-started-hook #'midspan--menu-changed t)
  (remove-hook 'company-after-completion-hook #'midspan--menu-changed t)
  (remove-hook 'midspan-switch-hook #'midspan-ghost-switched t)
  (remove-hook 'kill-buffer-hook #'midspan-dismiss t)
  (midspan-dismiss))

(provide 'midspan-ghost)
;;; midspan-ghost.el ends here
