// What the stand-in lacks: importing a resource that is there already.
package main

import (
	"context"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
)

func (p *provider) ImportResourceState(_ context.Context, r *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	raw, err := os.ReadFile(resourcePath(r.TypeName, r.ID))
	if err != nil {
		return &tfprotov5.ImportResourceStateResponse{Diagnostics: []*tfprotov5.Diagnostic{{
			Severity: tfprotov5.DiagnosticSeverityError, Summary: "Cannot import non-existent remote object",
		}}}, nil
	}
	t := p.resources[r.TypeName].ValueType()
	v, err := tfprotov5.RawState{JSON: raw}.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	d, err := tfprotov5.NewDynamicValue(t, v)
	return &tfprotov5.ImportResourceStateResponse{
		ImportedResources: []*tfprotov5.ImportedResource{{TypeName: r.TypeName, State: &d}},
	}, err
}
