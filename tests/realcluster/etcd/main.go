// Command etcd runs an unmodified etcd server, built from its module: the project publishes no main package that
// `go build` can name from outside.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
