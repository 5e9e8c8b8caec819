module capstan.dev/transforms

go 1.24

require github.com/itchyny/gojq v0.12.16

require github.com/itchyny/timefmt-go v0.1.6 // indirect
