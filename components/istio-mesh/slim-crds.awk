# Takes out of Istio's CRDs what nobody asks the cluster for. Reads and writes YAML as Helm renders it.

function indent(line) { match(line, /[^ ]/); return RSTART ? RSTART : length(line) + 1 }

# The rest of a text that is left out stands further to the right, or is empty.
leaving && (/^ *$/ || indent($0) > leaving) { next }
{ leaving = 0 }

# Kept CRDs would outlive `destroy` on a cluster that lives on, and the next `up` would find them in its way.
/^ +"?helm\.sh\/resource-policy"?: / { next }

# Half of each CRD is prose. A field that is called description has no text on its line.
/^ +description: / { leaving = indent($0); next }

{ print }
