(component
  (import "capstan:provider/http@0.2.0" (instance))
  (instance $e) (export "capstan:provider/describe@0.2.0" (instance $e)))
