(component
  (import "wasi:http/types@0.2.6" (instance (export "fields" (type (sub resource)))))
  (instance $e0) (export "capstan:provider/describe@0.1.0" (instance $e0))
  (instance $e1) (export "capstan:provider/external@0.1.0" (instance $e1)))
