(module
  (import "a" "b" (func))
  (table 1 funcref)
  (memory 1)
  (func (export "run") (param i32) (result i32) local.get 0)
  (data (i32.const 0) "text"))
