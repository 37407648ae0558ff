# Reads systemd unit files, so that a unit is written once: as the file of the Debian image.
#
# Needs nothing of nixpkgs. `parse` is the file as data, `toModule` the same in the shape of a NixOS option
# (systemd.services.NAME and its like), with the programs of Debian's paths in the places where Nix keeps them.
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    elem
    elemAt
    filter
    foldl'
    isString
    listToAttrs
    mapAttrs
    match
    removeAttrs
    replaceStrings
    split
    ;

  lines = text: filter isString (split "\n" text);
  words = text: filter (word: isString word && word != "") (split " +" text);
  toList = value: if builtins.isList value then value else [ value ];

  # systemd.syntax(7): a repeated key adds to a list, an empty one empties it.
  append =
    before: value:
    if before == null || before == "" then
      value
    else if value == "" then
      ""
    else
      toList before ++ [ value ];

  step =
    state: line:
    let
      section = match "\\[([A-Za-z]+)]" line;
      assignment = match "([A-Za-z0-9]+)=(.*)" line;
      key = elemAt assignment 0;
      known = state.found.${state.section} or { };
    in
    if line == "" || match "[#;].*" line != null then
      state
    else if match ".*\\\\" line != null then
      throw "unit file: a line that goes on with the next one is not read: ${line}"
    else if section != null then
      state // { section = elemAt section 0; }
    else if assignment == null || state.section == null then
      throw "unit file: neither a section nor an assignment: ${line}"
    else
      state
      // {
        found = state.found // {
          ${state.section} = known // {
            ${key} = append (known.${key} or null) (elemAt assignment 1);
          };
        };
      };

  # { Unit = { After = "…"; }; Service = { SystemCallFilter = [ … ]; }; }
  parse =
    text:
    (foldl' step {
      section = null;
      found = { };
    } (lines text)).found;

  # Options of NixOS that are lists of units; it writes them into [Unit] itself.
  unitLists = {
    After = "after";
    Before = "before";
    BindsTo = "bindsTo";
    Conflicts = "conflicts";
    OnFailure = "onFailure";
    OnSuccess = "onSuccess";
    PartOf = "partOf";
    Requires = "requires";
    Requisite = "requisite";
    Wants = "wants";
  };

  pick =
    names: attrs:
    listToAttrs (
      concatMap (
        name:
        if attrs ? ${name} then
          [
            {
              name = names.${name};
              value = concatMap words (toList attrs.${name});
            }
          ]
        else
          [ ]
      ) (attrNames names)
    );

  # A program of Debian that nobody said the place of would be found at the first start of the unit, in the field.
  place =
    programs: value:
    let
      moved = replaceStrings (attrNames programs) (attrValues programs) value;
      left = match "(.*[ ='\"!@:+-])?(/usr/s?bin/|/s?bin/)[a-z].*" moved;
    in
    if left == null then moved else throw "unit file: no place is known for a program in '${value}'";

  placeAll =
    programs:
    mapAttrs (
      key: value:
      if match "Exec[A-Za-z]*" key == null then
        value
      else if isString value then
        place programs value
      else
        map (place programs) value
    );

  # programs: { "/usr/bin/bulkhead" = "/nix/store/…/bin/bulkhead"; }
  toModule =
    programs: text:
    let
      unit = parse text;
      about = unit.Unit or { };
      install = unit.Install or { };
      body =
        if unit ? Service then
          { serviceConfig = placeAll programs unit.Service; }
        else if unit ? Timer then
          { timerConfig = unit.Timer; }
        else if unit ? Path then
          { pathConfig = unit.Path; }
        else
          { };
      left = filter (section: !(elem section [ "Unit" "Service" "Timer" "Path" "Install" ])) (attrNames unit);
    in
    assert left == [ ] || throw "unit file: sections that are not read: ${toString left}";
    {
      description = about.Description or "";
      unitConfig = removeAttrs about (attrNames unitLists ++ [ "Description" ]);
    }
    // pick unitLists about
    // pick {
      WantedBy = "wantedBy";
      RequiredBy = "requiredBy";
    } install
    // body;
in
{
  inherit parse toModule;
}
