//go:build !linux

package main

// onDisplayLost is for X alone: elsewhere a logout asks the program to end.
func onDisplayLost(func()) {}
