package main

import (
	"fmt"

	"github.com/google/shlex"
	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// options are the runtime options of Pulumi.yaml (runtime.options).
type options struct {
	typescript     bool
	tsconfig       string
	nodeArgs       []string
	packageManager npm.PackageManagerType
}

var packageManagers = map[string]npm.PackageManagerType{
	"auto": npm.AutoPackageManager,
	"npm":  npm.NpmPackageManager,
	"yarn": npm.YarnPackageManager,
	"pnpm": npm.PnpmPackageManager,
	"bun":  npm.BunPackageManager,
}

func parseOptions(info *pulumirpc.ProgramInfo) (options, error) {
	o := options{typescript: true, packageManager: npm.AutoPackageManager}
	for key, value := range info.GetOptions().AsMap() {
		var ok bool
		switch key {
		case "typescript":
			if o.typescript, ok = value.(bool); !ok {
				return o, fmt.Errorf("runtime option typescript must be true or false, got %v", value)
			}
		case "tsconfig":
			if o.tsconfig, ok = value.(string); !ok {
				return o, fmt.Errorf("runtime option tsconfig must be a path, got %v", value)
			}
		case "nodeargs":
			text, ok := value.(string)
			if !ok {
				return o, fmt.Errorf("runtime option nodeargs must be a string, got %v", value)
			}
			args, err := shlex.Split(text)
			if err != nil {
				return o, fmt.Errorf("runtime option nodeargs %q: %w", text, err)
			}
			o.nodeArgs = args
		case "packagemanager":
			name, _ := value.(string)
			if o.packageManager, ok = packageManagers[name]; !ok {
				return o, fmt.Errorf("runtime option packagemanager must be one of auto, npm, yarn, pnpm, bun; got %v", value)
			}
		}
	}
	return o, nil
}

// env is how the entry points of @pulumi/pulumi learn the options.
func (o options) env() []string {
	var env []string
	if o.typescript {
		env = append(env, "PULUMI_NODEJS_TYPESCRIPT=true")
	}
	if o.tsconfig != "" {
		env = append(env, "PULUMI_NODEJS_TSCONFIG_PATH="+o.tsconfig)
	}
	return env
}
