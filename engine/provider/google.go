package provider

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"tokentray/engine"
)

// googleIDs are the public client ids. Google gives an installed app's client
// a secret too, which is not ours to publish.
var googleIDs = map[string]string{
	engine.GeminiCLI:   "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
	engine.Antigravity: "1071006060591-tmhssin2h21lcre235vtolojh4g403ep.apps.googleusercontent.com",
}

func init() { register(engine.Gemini, gemini) }

func gemini(cfg Config) dialect {
	clients := cfg.Google
	installed := sync.OnceValue(installedSecret)
	return dialect{
		url: "https://oauth2.googleapis.com/token",
		fields: func(req engine.ExchangeRequest) (map[string]string, error) {
			name := cmp.Or(req.Client, engine.GeminiCLI)
			builtIn, known := googleIDs[name]
			if !known {
				return nil, engine.Errorf(engine.KindSettings, fmt.Sprintf("unknown oauthProvider %q: it is %s or %s",
					engine.Clean(name), engine.GeminiCLI, engine.Antigravity), nil)
			}
			id, secret := cmp.Or(clients[name].ID, builtIn), clients[name].Secret
			if secret.Empty() && id == googleIDs[engine.GeminiCLI] {
				secret = installed()
			}
			if secret.Empty() {
				return nil, missingSecret(name)
			}
			return map[string]string{"client_id": id, "client_secret": secret.Reveal()}, nil
		},
		authorization: authorization{
			url:      "https://accounts.google.com/o/oauth2/v2/auth",
			query:    map[string]string{"access_type": "offline", "prompt": "consent"}, // or there is no refresh token
			scope:    "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email",
			redirect: "http://127.0.0.1/oauth2callback",
		},
		lifetime: fixedLifetime(time.Hour),
	}
}

func missingSecret(client string) error {
	variable, also := "ANTIGRAVITY_OAUTH_CLIENT_SECRET", ""
	if client == engine.GeminiCLI {
		variable, also = "GEMINI_OAUTH_CLIENT_SECRET", ", or install the Gemini CLI (npm install -g @google/gemini-cli), which brings it"
	}
	return engine.Errorf(engine.KindSettings, fmt.Sprintf("no Google client secret for %s: set %s in the environment or "+
		"an env file, or put it under that name in settings.json%s", client, variable, also), nil)
}

// installedSecret finds the client secret in an installed Gemini CLI.
func installedSecret() engine.Secret {
	for _, root := range geminiCLIFolders() {
		if s := secretIn(root); !s.Empty() {
			return s
		}
	}
	return engine.Secret{}
}

// geminiCLIFolders are the folders of the npm package: beside the gemini
// command on the PATH, or where npm puts global packages.
func geminiCLIFolders() []string {
	var folders []string
	if command, err := exec.LookPath("gemini"); err == nil {
		if real, err := filepath.EvalSymlinks(command); err == nil {
			for dir := filepath.Dir(real); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
				if filepath.Base(dir) == "gemini-cli" {
					folders = append(folders, dir)
					break
				}
			}
		}
	}
	home, _ := os.UserHomeDir()
	for _, prefix := range []string{"/usr/local/lib", "/usr/lib", "/opt/homebrew/lib", filepath.Join(home, ".npm-global", "lib"),
		filepath.Join(os.Getenv("APPDATA"), "npm")} {
		folders = append(folders, filepath.Join(prefix, "node_modules", "@google", "gemini-cli"))
	}
	return folders
}

var secretPattern = regexp.MustCompile(`OAUTH_CLIENT_ID\s*=\s*["']([^"']+)["'];?\s*(?://[^\n]*\s*)*(?:var|const|let)?\s*OAUTH_CLIENT_SECRET\s*=\s*["']([!-~]{8,128}?)["']`)

// secretIn searches the package: bundle/*.js in newer releases,
// …/gemini-cli-core/dist/src/code_assist/oauth2.js in older ones.
func secretIn(root string) (secret engine.Secret) {
	files := 0
	filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		relevant := entry.Name() == "oauth2.js" || strings.HasSuffix(entry.Name(), ".js") && filepath.Base(filepath.Dir(path)) == "bundle"
		if !relevant || !entry.Type().IsRegular() {
			return nil
		}
		if files++; files > 200 {
			return fs.SkipAll
		}
		if info, err := entry.Info(); err != nil || info.Size() > 64<<20 {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		if m := secretPattern.FindSubmatch(text); m != nil && string(m[1]) == googleIDs[engine.GeminiCLI] {
			secret = engine.NewSecret(string(m[2]))
			return fs.SkipAll
		}
		return nil
	})
	return secret
}
