(component
  (instance $e) (export "capstan:provider/describe@0.2.0\1b[2J\0d\0a" (instance $e)))
