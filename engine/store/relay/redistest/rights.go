package redistest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// User and Password are the login that the rights of docs/REDIS.md are given to.
const (
	User     = "tokentray"
	Password = "planted-password-of-redis"
)

// Rights are what a user for Tokentray needs, as docs/REDIS.md has them.
type Rights struct{ All, Cluster, Select, Webhooks []string }

var setUser = regexp.MustCompile("(?s)\n```\nACL SETUSER " + User + " (.*?)\n```\n")

// ReadRights reads them.
func ReadRights(t testing.TB) Rights {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(folder, "docs", "REDIS.md"))
		if os.IsNotExist(err) && folder != filepath.Dir(folder) {
			folder = filepath.Dir(folder)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var found [][]string
		for _, block := range setUser.FindAllSubmatch(text, -1) {
			found = append(found, strings.Fields(strings.ReplaceAll(string(block[1]), ">PASSWORD", ">"+Password)))
		}
		if len(found) != 4 {
			t.Fatalf("docs/REDIS.md gives rights %d times", len(found))
		}
		return Rights{found[0], found[1], found[2], found[3]}
	}
}

// Grant makes the user anew, with these rights alone.
func Grant(t testing.TB, node *redis.Client, rights ...[]string) {
	t.Helper()
	args := []any{"ACL", "SETUSER", User, "reset"}
	for _, right := range slices.Concat(rights...) {
		args = append(args, right)
	}
	if err := node.Do(context.Background(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}
