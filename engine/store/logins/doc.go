// Package logins is a store of the logins that the AI tools of this machine
// keep: an account for each file that Claude Code, Gemini CLI or Codex CLI
// signed in with. The files stay the tools' own. Of a login only the tokens and
// their times are ever changed, and every other byte stays as it is; a file
// that is not exactly as it should be is told and never touched.
//
// A write compares the refresh token and puts a whole new file in place of the
// old one in one step. Our processes take turns by file locks; with Claude Code
// it takes turns by that tool's own locks, taken as the tool takes them. The
// other two have none: for them the file is read once more right before it is
// replaced.
//
// A tool's file has no room for a record beside the account: the journal of
// this machine alone has it.
package logins
