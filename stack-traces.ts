// Node.js runs these files as they stand, so their stacks need no source map. Pulumi's host maps one for every promise
// of every resource all the same, which was an eighth of what Node.js did in a preview.
Reflect.deleteProperty(Error, "prepareStackTrace");
