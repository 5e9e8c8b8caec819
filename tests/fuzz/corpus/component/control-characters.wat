(component
  (import "a\1b[2J\0d\0a" (instance))
  (instance $e0) (export "capstan:provider/describe@0.1.0" (instance $e0))
  (instance $e1) (export "capstan:provider/external@0.1.0" (instance $e1)))
