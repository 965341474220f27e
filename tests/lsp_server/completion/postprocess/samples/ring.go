// Package ring keeps the last values that were added.
package ring

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// ErrEmpty says that nothing was added yet.
var ErrEmpty = errors.New("ring: empty")

type Ring[T any] struct {
	mu     sync.RWMutex
	values []T
	next   int
	full   bool
}

// New panics when there is no room for a value.
func New[T any](size int) *Ring[T] {
	if size < 1 {
		panic(fmt.Sprintf("ring: size %d", size))
	}
	return &Ring[T]{values: make([]T, size)}
}

func (r *Ring[T]) Add(value T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.values[r.next] = value
	r.next++
	if r.next == len(r.values) {
		r.next = 0
		r.full = true
	}
}

func (r *Ring[T]) Last() (T, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var zero T
	if r.next == 0 && !r.full {
		return zero, ErrEmpty
	}
	return r.values[(r.next+len(r.values)-1)%len(r.values)], nil
}

func (r *Ring[T]) Each(visit func(index int, value T) bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	start, count := 0, r.next
	if r.full {
		start, count = r.next, len(r.values)
	}
	for i := 0; i < count; i++ {
		if !visit(i, r.values[(start+i)%len(r.values)]) {
			return
		}
	}
}

func (r *Ring[T]) String() string {
	var b strings.Builder
	b.WriteByte('[')
	r.Each(func(index int, value T) bool {
		if index > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%v", value)
		return true
	})
	b.WriteByte(']')
	return b.String()
}

func Parse(text string) (map[string][]string, error) {
	found := map[string][]string{}
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
			continue
		case !strings.Contains(line, "="):
			return nil, fmt.Errorf("line %d: no '=' in %q", number+1, line)
		}
		key, value, _ := strings.Cut(line, "=")
		found[key] = append(found[key], strings.Fields(value)...)
	}
	return found, nil
}

const help = `usage: ring [size]
  reads lines and prints the last of them (10)
`
