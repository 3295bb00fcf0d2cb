package command

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command is command:local:Command.
type Command struct{}

// CommandInputs are the inputs of a Command.
type CommandInputs struct {
	Triggers *[]any  `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Create   *string `pulumi:"create,optional"`
	Update   *string `pulumi:"update,optional"`
	Delete   *string `pulumi:"delete,optional"`
	BaseInputs
}

// CommandOutputs are the outputs of a Command.
type CommandOutputs struct {
	CommandInputs
	BaseOutputs
}

// Annotate names the resource.
func (c *Command) Annotate(a infer.Annotator) { a.SetToken("local", "Command") }

// Create runs the create command.
func (*Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	out := CommandOutputs{CommandInputs: req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err == nil && !req.DryRun && req.Inputs.Create != nil {
		err = run(ctx, "create", *req.Inputs.Create, req.Inputs.BaseInputs, &out.BaseOutputs)
	}
	return infer.CreateResponse[CommandOutputs]{ID: id, Output: out}, err
}

// Update runs the update command, or create again where there is none.
func (*Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	out := CommandOutputs{CommandInputs: req.Inputs, BaseOutputs: req.State.BaseOutputs}
	what, command := "update", req.Inputs.Update
	if command == nil {
		what, command = "create", req.Inputs.Create
	}
	var err error
	if !req.DryRun && command != nil {
		err = run(ctx, what, *command, req.Inputs.BaseInputs, &out.BaseOutputs)
	}
	return infer.UpdateResponse[CommandOutputs]{Output: out}, err
}

// Delete runs the delete command with the inputs of the last create or update.
func (*Command) Delete(
	ctx context.Context, req infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	if req.State.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	return infer.DeleteResponse{},
		run(ctx, "delete", *req.State.Delete, req.State.BaseInputs, &req.State.BaseOutputs)
}

// Run is the function command:local:run.
type Run struct{}

// RunInputs are the arguments of run.
type RunInputs struct {
	BaseInputs
	Command string `pulumi:"command"`
}

// RunOutputs are the results of run.
type RunOutputs struct {
	RunInputs
	BaseOutputs
}

// Annotate names the function.
func (r *Run) Annotate(a infer.Annotator) { a.SetToken("local", "run") }

// Invoke runs the command, in previews too.
func (*Run) Invoke(
	ctx context.Context, req infer.FunctionRequest[RunInputs],
) (infer.FunctionResponse[RunOutputs], error) {
	out := RunOutputs{RunInputs: req.Input}
	err := run(ctx, "run", req.Input.Command, req.Input.BaseInputs, &out.BaseOutputs)
	return infer.FunctionResponse[RunOutputs]{Output: out}, err
}
