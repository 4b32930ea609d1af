/** The names a module binds at its top level to values of its own, from the tree that oxc-parser gives of its JavaScript. */
import type { BindingPattern, Program } from "oxc-parser";

/** Functions, classes and variables; not imports. Each once, in order. */
export function topLevelNames(program: Program): string[] {
  const names = new Set<string>();
  for (const statement of program.body) {
    const declaration =
      statement.type === "ExportNamedDeclaration" || statement.type === "ExportDefaultDeclaration"
        ? statement.declaration
        : statement;
    if (declaration === null) continue;
    switch (declaration.type) {
      case "FunctionDeclaration":
      case "ClassDeclaration":
        if (declaration.id) names.add(declaration.id.name);
        break;
      case "VariableDeclaration":
        for (const { id } of declaration.declarations) addBound(id, names);
        break;
    }
  }
  return [...names];
}

/** The local names of a module's imports. */
export function importedNames(program: Program): string[] {
  return program.body.flatMap((statement) =>
    statement.type === "ImportDeclaration" ? statement.specifiers.map(({ local }) => local.name) : [],
  );
}

function addBound(pattern: BindingPattern, names: Set<string>): void {
  switch (pattern.type) {
    case "Identifier":
      names.add(pattern.name);
      break;
    case "AssignmentPattern":
      addBound(pattern.left, names);
      break;
    case "ArrayPattern":
      for (const element of pattern.elements) {
        if (element) addBound(element.type === "RestElement" ? element.argument : element, names);
      }
      break;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        addBound(property.type === "RestElement" ? property.argument : property.value, names);
      }
      break;
  }
}
