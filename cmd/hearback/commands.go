package main

import "github.com/spf13/cobra"

// commands are all commands of the program. Each stands in a file of its own.
func commands(r *root) []*cobra.Command {
	return []*cobra.Command{
		newDemo(r), newServe(r), newInit(r), newMigrate(r), newCheck(r),
		newEnqueue(r), newEvent(r), newSource(r), newSchedule(r),
		newSubscriber(r), newSubscription(r), newMessage(r), newExplain(r), newTemplate(r), newSuppression(r), newSending(r), newKey(r),
		newImport(r), newExport(r), newAdmin(r),
		newVersion(r),
	}
}
