module brupop.bottlerocket.aws/hack/programs/pause

go 1.26.0
