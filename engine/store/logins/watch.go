package logins

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"tokentray/engine"
)

// together is how long changes are gathered before they are told as one.
const together = 100 * time.Millisecond

// Watch calls changed once it watches, and then whenever a login may have
// changed, come or gone, until ctx ends; that is no error. All calls come from
// this goroutine. Changes within 100 ms are told once. What the
// system tells nobody of, such as an item of the keychain, is looked at every
// 30 s; so is a folder that is not there yet, where to watch the one above it
// is to open all that is in it (kqueue, on macOS: somebody's whole home).
func (s *Store) Watch(ctx context.Context, changed func()) error {
	notifier, err := fsnotify.NewWatcher()
	if err != nil {
		return engine.Errorf(engine.KindStore, "the system does not tell when a tool's login changes", err)
	}
	defer notifier.Close()
	w := watch{notifier: notifier, above: s.watchAbove, folders: map[string]os.FileInfo{}, items: map[string][sha256.Size]byte{}}
	for _, at := range s.spots {
		if !strings.HasPrefix(at.Path, keychainPrefix) {
			w.files = append(w.files, at.Path)
		}
	}
	w.follow()
	w.poll(ctx, s.spots)
	poll := time.NewTicker(s.pollEvery)
	defer poll.Stop()
	tell := time.NewTimer(0) // what changed before is not told by the system
	defer tell.Stop()
	waiting := true
	for {
		news := false
		select {
		case <-ctx.Done():
			return nil
		case <-tell.C:
			waiting = false
			changed()
		case <-poll.C:
			news = w.follow()
			news = w.poll(ctx, s.spots) || news
		case event, ok := <-notifier.Events:
			if !ok {
				return engine.Errorf(engine.KindStore, "the system tells no more when a tool's login changes", nil)
			}
			news = slices.Contains(w.files, event.Name)
			if event.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename) {
				news = w.moved(event.Name) || news
			}
		case <-notifier.Errors: // some were dropped: anything may have changed
			w.follow()
			news = true
		}
		if news && !waiting {
			waiting = true
			tell.Reset(together)
		}
	}
}

// watch is what one Watch looks at.
type watch struct {
	notifier *fsnotify.Watcher
	files    []string
	above    bool
	folders  map[string]os.FileInfo // that are watched
	items    map[string][sha256.Size]byte
}

// moved takes in that something came or went at path.
func (w *watch) moved(path string) bool {
	_, watched := w.folders[path]
	if watched { // its watch ended, or went with it
		w.notifier.Remove(path)
		delete(w.folders, path)
	}
	return w.follow() || watched
}

// follow watches each file's folder or, where that is not there, the nearest
// above it that is, until that is so, and the one above, which tells when the
// folder goes. It reports whether there was something to do.
func (w *watch) follow() (news bool) {
	for w.step() {
		news = true
	}
	return news
}

func (w *watch) step() (news bool) {
	wanted := map[string]os.FileInfo{}
	for _, path := range w.files {
		for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
			info, err := os.Stat(folder)
			if err == nil && info.IsDir() {
				wanted[folder] = info
				if above, err := os.Stat(filepath.Dir(folder)); err == nil && w.above {
					wanted[filepath.Dir(folder)] = above
				}
				break
			}
			if folder == filepath.Dir(folder) || !w.above {
				break
			}
		}
	}
	for folder, info := range w.folders {
		if now, ok := wanted[folder]; !ok || !os.SameFile(now, info) {
			if err := w.notifier.Remove(folder); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
				continue // the next time
			}
			delete(w.folders, folder)
			news = true
		}
	}
	for folder, info := range wanted {
		if _, ok := w.folders[folder]; !ok && w.notifier.Add(folder) == nil {
			w.folders[folder] = info
			news = true
		}
	}
	return news
}

// poll reports whether an item of the keychain is another one than before.
func (w *watch) poll(ctx context.Context, spots []spot) (news bool) {
	for _, at := range spots {
		if slices.Contains(w.files, at.Path) {
			continue
		}
		text, _ := at.vault.read(ctx)
		if sum := sha256.Sum256(text); sum != w.items[at.Path] {
			w.items[at.Path] = sum
			news = true
		}
	}
	return news
}
