package logins

import "os/user"

// systemKeychain is the item in the user's keychain.
func systemKeychain(item string) vault {
	k := keychain{program: "/usr/bin/security", item: item}
	if me, err := user.Current(); err == nil {
		k.account = me.Username
	}
	return k
}
