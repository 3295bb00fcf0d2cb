// Package command stands in for the Pulumi Command provider 1.2.1: local commands only. It is
// built on the same framework as the official one, so that differences, defaults, secrets and
// unknowns follow the same rules.
package command

import "github.com/pulumi/pulumi-go-provider/infer"

// BaseInputs are the inputs of every local command.
type BaseInputs struct {
	Stdin                  *string            `pulumi:"stdin,optional"`
	Logging                *Logging           `pulumi:"logging,optional"`
	Interpreter            *[]string          `pulumi:"interpreter,optional"`
	Dir                    *string            `pulumi:"dir,optional"`
	Environment            *map[string]string `pulumi:"environment,optional"`
	AssetPaths             *[]string          `pulumi:"assetPaths,optional"`
	ArchivePaths           *[]string          `pulumi:"archivePaths,optional"`
	AddPreviousOutputInEnv *bool              `pulumi:"addPreviousOutputInEnv,optional"`
}

// Annotate sets the defaults.
func (b *BaseInputs) Annotate(a infer.Annotator) {
	a.Describe(&b.Stdin, "Text for the command's standard input.")
	a.Describe(&b.Logging, "Which output becomes log messages; it is captured in any case.")
	a.Describe(&b.Interpreter, "Program and arguments that run the command: by default /bin/sh -c.")
	a.Describe(&b.Dir, "Folder to run the command in.")
	a.Describe(&b.Environment, "Environment variables beside those of the process.")
	a.Describe(&b.AddPreviousOutputInEnv,
		"Whether update and delete get the last output as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR.")
	a.SetDefault(&b.AddPreviousOutputInEnv, true)
}

// BaseOutputs are the outputs of every local command.
type BaseOutputs struct {
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// Logging says which output becomes log messages.
type Logging string

const (
	logStdout          Logging = "stdout"
	logStderr          Logging = "stderr"
	logStdoutAndStderr Logging = "stdoutAndStderr"
	logNone            Logging = "none"
)

// Values makes Logging an enum.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: "stdout", Value: logStdout, Description: "stdout only"},
		{Name: "stderr", Value: logStderr, Description: "stderr only"},
		{Name: "stdoutAndStderr", Value: logStdoutAndStderr, Description: "both"},
		{Name: "none", Value: logNone, Description: "no output"},
	}
}

func (l *Logging) stdout() bool { return l == nil || *l == logStdout || *l == logStdoutAndStderr }
func (l *Logging) stderr() bool { return l == nil || *l == logStderr || *l == logStdoutAndStderr }
