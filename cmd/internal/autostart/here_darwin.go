package autostart

func here(program string) (Entry, error) {
	agents, err := folder("", "Library", "LaunchAgents")
	return Agent{Folder: agents, Program: program}, err
}
