package relay

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page, in bytes.
const hugePage = 2 << 20

// largePages lets the next large block of memory that is asked for lie in large
// pages where the kernel has them for the asking. scrypt fills 16 MiB: in small
// pages that are 4096 page faults, which take as long as all its work. The heap
// gives a block that was freed to whoever asks next.
func largePages(size int) {
	block := make([]byte, size+2*hugePage) // not touched, and so no memory yet
	from := -int(uintptr(unsafe.Pointer(&block[0]))) & (hugePage - 1)
	to := from + (len(block)-from)/hugePage*hugePage
	err := unix.Madvise(block[from:to], unix.MADV_HUGEPAGE)
	runtime.KeepAlive(block)
	if err == nil {
		runtime.GC()
	}
}
