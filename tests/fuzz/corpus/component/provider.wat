(component
  (import "wasi:io/poll@0.2.6" (instance))
  (import "capstan:provider/cluster@0.1.0" (instance))
  (component (import "something" (instance)) (core module (func)))
  (core module (memory 1) (func (export "f") (result i32) i32.const 1))
  (instance $e0) (export "capstan:provider/describe@0.1.0" (instance $e0))
  (instance $e1) (export "capstan:provider/external@0.1.0" (instance $e1)))
