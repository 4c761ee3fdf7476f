package main

type runCmd struct{}

func (c *runCmd) Help() string {
	return `Logs on standard error and in the log file. SIGINT or SIGTERM ends it: a refresh in flight is finished and
stored first. While the store is away it looks again every 5 seconds.`
}

func (c *runCmd) Run(s *session) error {
	app, _, done, err := s.open(true)
	if err != nil {
		return err
	}
	defer done()
	app.Run(s.ctx)
	return nil
}
