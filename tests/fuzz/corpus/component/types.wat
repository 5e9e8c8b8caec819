(component
  (type $t (record (field "a" (list string)) (field "b" (option u32))))
  (import "capstan:provider/types@0.1.0" (instance $types
    (type $inner (record (field "a" string)))
    (export "inner" (type (eq $inner)))))
  (core module $m (func (export "f") (param i32 i32)) (memory (export "m") 1)
    (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func $f (param "x" string) (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))
  (instance $e0 (export "f" (func $f)))
  (export "capstan:provider/describe@0.1.0" (instance $e0))
  (instance $e1)
  (export "capstan:provider/external@0.1.0" (instance $e1)))
